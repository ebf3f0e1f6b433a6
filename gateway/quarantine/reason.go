package quarantine

import "fmt"

// Reason says why a batch was refused. The text is stored and counted under: do not rename.
type Reason string

// The reasons.
const (
	TooLarge       Reason = "too_large"
	Malformed      Reason = "malformed"
	NotCanonical   Reason = "not_canonical"
	UnknownGateway Reason = "unknown_gateway"
	WrongTopic     Reason = "wrong_topic"
	Signature      Reason = "signature"
	TimeImpossible Reason = "time_impossible"
	Fork           Reason = "fork"
	ChainBreak     Reason = "chain_break"
	Unreadable     Reason = "unreadable"
)

// Reasons lists every reason, in the order the checks are made.
func Reasons() []Reason {
	return []Reason{TooLarge, Malformed, UnknownGateway, WrongTopic, Signature, NotCanonical, TimeImpossible, Fork, ChainBreak, Unreadable}
}

// Explain says to people, of a named gateway, what happened and what to do.
func (r Reason) Explain(gateway string) string {
	who := fmt.Sprintf("Gateway %q", gateway)
	if gateway == "" {
		who = "An unnamed gateway"
	}
	switch r {
	case TooLarge:
		return who + " sent a message larger than a batch can be. Check what else publishes under its name, and whether its program is up to date."
	case Malformed:
		return who + " sent something that is not a batch. Check what else publishes under its name, and whether its program is up to date."
	case NotCanonical:
		return who + " sent a batch that is not written in the one agreed form. Update its program; its readings are kept here."
	case UnknownGateway:
		return who + " is not enrolled in this community. If it belongs here, add its id and public key; it keeps its readings and sends them again."
	case WrongTopic:
		return who + " sent a batch that is signed in another gateway's name. Check that no two gateways share a password, and who could use it."
	case Signature:
		return who + " sent a batch whose signature does not fit the enrolled key. If it was given a new key, enrol that; otherwise somebody may be forging its name."
	case TimeImpossible:
		return who + " dated a reading before the earliest time this hub accepts or in the future. Check its clock and its time server; the readings are kept here."
	case Fork:
		return who + " used one batch number for two different batches. Check whether its memory card was copied or restored; the later batch is kept here."
	case ChainBreak:
		return who + " sent a batch that does not follow the one before it. Check whether its memory card was copied or restored; the batch is kept here."
	case Unreadable:
		return who + " sent a batch that this hub's program could not read. Please report it to the makers of loam; the batch is kept here."
	}
	return fmt.Sprintf("%s sent a batch that was refused (%s).", who, string(r))
}

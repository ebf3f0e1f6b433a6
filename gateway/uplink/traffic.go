package uplink

import "time"

// Traffic is what went over the connection, in bytes as the network card's driver is given them: MQTT and, where it is
// used, TLS; without the headers of TCP and IP (40 bytes and more for each packet). It is counted since the gateway's
// program started.
type Traffic struct {
	Sent     uint64 `json:"sent"`
	Received uint64 `json:"received"`
	Today    Day    `json:"today"`
}

// Day is the traffic of one day by the gateway's clock, in UTC.
type Day struct {
	Date     string `json:"date"` // YYYY-MM-DD
	Sent     uint64 `json:"sent"`
	Received uint64 `json:"received"`
}

// add counts bytes at now.
func (t *Traffic) add(now time.Time, sent, received int) {
	t.turn(now)
	t.Sent += uint64(sent)
	t.Received += uint64(received)
	t.Today.Sent += uint64(sent)
	t.Today.Received += uint64(received)
}

// turn begins a new day where it is one.
func (t *Traffic) turn(now time.Time) {
	if date := now.UTC().Format(time.DateOnly); date != t.Today.Date {
		t.Today = Day{Date: date}
	}
}

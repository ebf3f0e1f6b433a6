package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"loam/gateway/identity"
	"loam/gateway/wire"
)

func wireCommand() *cobra.Command {
	cmd := group("wire", "Look at a sealed batch or a receipt")
	cmd.Long = "wire takes apart what travels between a gateway and its hub: a sealed batch or a receipt, as docs/wire.md describes\n" +
		"them. FILE holds it as it travels, or in hexadecimal; - is standard input. Who writes a gateway in another language\n" +
		"finds out here what the hub would say."
	cmd.AddCommand(wireDecodeCommand(), wireVerifyCommand())
	return cmd
}

func wireDecodeCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "decode FILE",
		Short: "Print what a batch or a receipt says; its signature is not checked",
		Example: "  loam wire decode batch.bin\n" +
			"  mosquitto_sub -h hub -t 'loam/1/willow-creek/meadow/batch' -C 1 -N | loam wire decode --json -",
		Args: one("one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readWire(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			m, err := decodeMessage(raw)
			if err != nil {
				if h, peek := wire.Peek(raw); peek == nil { // the header may say which batch it is that cannot be read
					fmt.Fprintf(cmd.ErrOrStderr(), "batch %d of %s\n", h.Sequence, h.Gateway)
				}
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(m)
			}
			return m.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

func wireVerifyCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "verify FILE --key KEY",
		Short: "Check form and signature of a batch or a receipt as the other side would; exit 1 if anything is wrong",
		Example: "  loam wire verify batch.bin --key ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo     # the gateway's key\n" +
			"  loam wire verify receipt.bin --key ed25519:…                                             # the hub's key",
		Args: one("one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if key == "" {
				return errors.New("--key is missing: give the public key it should be signed with (ed25519:…), a gateway's for a batch, a hub's for a receipt")
			}
			public, err := identity.ParseKey(key)
			if err != nil {
				return fmt.Errorf("--key: %w", err)
			}
			raw, err := readWire(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if isReceipt(raw) {
				r, err := wire.OpenReceipt(raw, public)
				if err != nil {
					return fmt.Errorf("NOT verified: %s: %w", args[0], err)
				}
				fmt.Fprintf(out, "verified: receipt of hub %s: batch %d of %s is %s\n", r.Hub, r.Sequence, r.Gateway, outcomeWord(r.Outcome))
				return nil
			}
			b, err := wire.Open(raw, public)
			if err != nil {
				return fmt.Errorf("NOT verified: %s: %w", args[0], err)
			}
			fmt.Fprintf(out, "verified: batch %d of %s: canonical, signed by this key, %d readings, SHA-256 %s\n", b.Sequence, b.Gateway, len(b.Readings), b.Digest)
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public key of who signed (ed25519:…)")
	return cmd
}

// readWire reads a message from a file or, for -, from standard input: the bytes as they travel, or their hexadecimal
// digits with any white space between.
func readWire(path string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read the message: %w", err)
		}
		defer f.Close()
		in = f
	}
	const maxText = 4 * wire.MaxSealedBytes // two digits a byte, and white space in plenty
	raw, err := io.ReadAll(io.LimitReader(in, maxText+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the message: %w", err)
	case len(raw) == 0:
		return nil, fmt.Errorf("%s is empty", path)
	case len(raw) > maxText:
		return nil, fmt.Errorf("%s: more than %d bytes: %w", path, maxText, wire.ErrTooLarge)
	}
	if text := strings.Join(strings.Fields(string(raw)), ""); len(text) > 0 {
		if decoded, err := hex.DecodeString(text); err == nil {
			return decoded, nil
		}
	}
	return raw, nil
}

// isReceipt says whether raw claims to be a receipt rather than a batch.
func isReceipt(raw []byte) bool {
	const at = 10 // tag, array, length of the header, map, algorithm, label and length of the content type
	return len(raw) > at && bytes.HasPrefix(raw[at:], []byte(wire.ContentTypeReceipt))
}

// decodeMessage reads a batch or a receipt without checking who signed it.
func decodeMessage(raw []byte) (wireMessage, error) {
	if isReceipt(raw) {
		r, err := wire.ReadReceipt(raw)
		return wireMessage{Kind: "receipt", Bytes: len(raw), Digest: wire.Digest(sha256.Sum256(raw)).String(), Receipt: receiptOf(r)}, err
	}
	s, err := wire.Read(raw)
	if err != nil {
		return wireMessage{}, err
	}
	b, err := batchOf(s)
	return wireMessage{Kind: "batch", Bytes: len(raw), Digest: s.Digest.String(), Batch: b}, err
}

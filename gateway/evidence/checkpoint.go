package evidence

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"loam/gateway/wire"
)

// Checkpoint is a tree as its hub signed it (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   wire.Digest
}

// text is what is signed.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// ErrCheckpoint says that bytes are not a checkpoint signed by whom they should be.
var ErrCheckpoint = errors.New("not a valid checkpoint")

// VerifyCheckpoint checks, without the log, that the signed note is a checkpoint of origin under key, and returns it. The
// error wraps [ErrCheckpoint].
func VerifyCheckpoint(signed []byte, origin string, key ed25519.PublicKey) (Checkpoint, error) {
	vkey, err := NoteVerifierKey(origin, key)
	if err != nil {
		return Checkpoint{}, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("evidence: %w: %w", ErrCheckpoint, err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("evidence: %w of %s: %w", ErrCheckpoint, origin, err)
	}
	return parseCheckpoint(n.Text, origin)
}

// parseCheckpoint reads the signed text. Lines after the third are extensions, which readers pass over.
func parseCheckpoint(text, origin string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		return Checkpoint{}, fmt.Errorf("evidence: %w: it is not of %s", ErrCheckpoint, origin)
	}
	c := Checkpoint{Origin: origin}
	size, sizeErr := strconv.ParseInt(lines[1], 10, 64)
	root, rootErr := base64.StdEncoding.Strict().DecodeString(lines[2])
	if sizeErr != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] || rootErr != nil || len(root) != len(c.Root) {
		return Checkpoint{}, fmt.Errorf("evidence: %w of %s: size %q, root %q", ErrCheckpoint, origin, lines[1], lines[2])
	}
	c.Size, c.Root = uint64(size), digest(root)
	return c, nil
}

// NoteVerifierKey returns the hub's key in the text form witnesses are configured with (C2SP signed-note).
func NoteVerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	if err := checkOrigin(origin); err != nil {
		return "", err
	}
	vkey, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return "", fmt.Errorf("evidence: verifier key of %s: %w", origin, err)
	}
	return vkey, nil
}

func checkOrigin(origin string) error {
	if origin == "" || !utf8.ValidString(origin) || strings.ContainsFunc(origin, unicode.IsSpace) || strings.Contains(origin, "+") {
		return fmt.Errorf("evidence: origin %q: give the log a name without spaces and plus signs, e.g. \"hub.example.org/log\"", origin)
	}
	return nil
}

// noteSigner lets the hub sign notes while its key stays behind [wire.Signer].
type noteSigner struct {
	name string
	hub  wire.Signer
}

func (s noteSigner) Name() string { return s.name }

// KeyHash is the first four bytes of SHA-256(name, newline, 1 for Ed25519, public key).
func (s noteSigner) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(s.name+"\n\x01"), s.hub.Public()...))
	return binary.BigEndian.Uint32(sum[:])
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) { return s.hub.Sign(msg) }

// Checkpoint returns the log as it stands, signed by the hub. While nothing is appended it returns the same bytes. It
// refuses, with [ErrDamaged], to sign a tree that contradicts what it has signed before.
func (l *Log) Checkpoint(ctx context.Context) ([]byte, error) {
	if l.hub == nil {
		return nil, errors.New("evidence: this log was opened without the hub's key, so it cannot sign a checkpoint")
	}
	c, old, signed, err := l.trees(ctx)
	switch {
	case err != nil:
		return nil, err
	case old.Size > c.Size || old.Size == c.Size && old.Root != c.Root && signed != nil:
		return nil, damaged("the tree of size %d and root %s contradicts the signed one of size %d and root %s", c.Size, c.Root, old.Size, old.Root)
	case old.Size == c.Size && signed != nil:
		return signed, nil
	}
	signed, err = note.Sign(&note.Note{Text: c.text()}, noteSigner{l.origin, l.hub})
	if err != nil {
		return nil, fmt.Errorf("evidence: sign the checkpoint of size %d: %w", c.Size, err)
	}
	_, err = l.db.Write.ExecContext(ctx, `INSERT INTO checkpoint (id, size, root, note) VALUES (1, ?1, ?2, ?3)
		ON CONFLICT (id) DO UPDATE SET size = ?1, root = ?2, note = ?3 WHERE size < ?1`, c.Size, c.Root[:], signed)
	if err != nil {
		return nil, fmt.Errorf("evidence: keep the checkpoint of size %d: %w", c.Size, err)
	}
	return signed, nil
}

// trees returns the tree as it is and as it was signed last, with the signed note; no note where there was none yet.
func (l *Log) trees(ctx context.Context) (now, last Checkpoint, signed []byte, err error) {
	now, last = Checkpoint{Origin: l.origin}, Checkpoint{Origin: l.origin}
	tx, err := l.db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // both of one moment
	if err != nil {
		return now, last, nil, fmt.Errorf("evidence: read the tree: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if now.Size, now.Root, err = treeState(ctx, tx); err != nil {
		return now, last, nil, err
	}
	var root []byte
	err = tx.QueryRowContext(ctx, `SELECT size, root, note FROM checkpoint`).Scan(&last.Size, &root, &signed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return now, last, nil, fmt.Errorf("evidence: read the last checkpoint: %w", err)
	}
	last.Root = digest(root)
	return now, last, signed, nil
}

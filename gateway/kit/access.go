package kit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	cookieName   = "loam-setup"
	sessionHours = 12 // a day in the field; longer than any setup
	// attempts may be made at once; then one becomes free every attemptEvery, whoever asks: addresses cost nothing on a
	// local network, so they are not counted by them. Nobody is ever locked out for longer.
	attempts     = 5
	attemptEvery = 5 * time.Second
)

// access decides who may change something: whoever has given the PIN, in the browser that gave it.
type access struct {
	lock  lock
	now   func() time.Time
	cross *http.CrossOriginProtection

	mu   sync.Mutex
	free float64 // attempts
	at   time.Time
}

func openAccess(dir string, now func() time.Time, announce func(string)) (*access, error) {
	l, err := openLock(filepath.Join(dir, "setup-pin.json"), announce)
	return &access{lock: l, now: now, cross: http.NewCrossOriginProtection(), free: attempts, at: now()}, err
}

// may takes an attempt at the PIN, where one is free.
func (a *access) may() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if passed := now.Sub(a.at); passed > 0 {
		a.free = min(attempts, a.free+float64(passed)/float64(attemptEvery))
	}
	a.at = now // a clock that was put back only begins anew
	if a.free < 1 {
		return false
	}
	a.free--
	return true
}

// sign authenticates a text for one purpose.
func (a *access) sign(purpose, text string) string {
	m := hmac.New(sha256.New, a.lock.Key)
	m.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (a *access) signed(purpose, text, mark string) bool {
	return hmac.Equal([]byte(a.sign(purpose, text)), []byte(mark))
}

// begin opens a session. It is in the cookie alone, signed, so that it outlives a restart of the gateway.
func (a *access) begin(w http.ResponseWriter) {
	var nonce [12]byte
	rand.Read(nonce[:])
	body := strconv.FormatInt(a.now().Unix(), 10) + "." + hex.EncodeToString(nonce[:])
	http.SetCookie(w, a.cookie(body+"."+a.sign("session", body), sessionHours*3600))
}

// end closes the session in this browser.
func (a *access) end(w http.ResponseWriter) { http.SetCookie(w, a.cookie("", -1)) }

func (a *access) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/setup", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// session returns the session of a request; empty: there is none.
func (a *access) session(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil || len(c.Value) > 200 {
		return ""
	}
	i := strings.LastIndexByte(c.Value, '.')
	if i < 0 || !a.signed("session", c.Value[:i], c.Value[i+1:]) {
		return ""
	}
	began, _, _ := strings.Cut(c.Value, ".")
	seconds, err := strconv.ParseInt(began, 10, 64)
	age := a.now().Sub(time.Unix(seconds, 0))
	if err != nil || age < 0 || age > sessionHours*time.Hour {
		return ""
	}
	return c.Value
}

// token is what every form of a session carries, so that no other page can send one in its name.
func (a *access) token(session string) string { return a.sign("form", session) }

// own says whether a request that changes something comes from these pages: the same origin, and the form's own token.
func (a *access) own(r *http.Request, session string) bool {
	return a.cross.Check(r) == nil && session != "" && a.signed("form", session, r.PostFormValue("token"))
}

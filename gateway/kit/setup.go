package kit

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"

	"rsc.io/qr"

	"loam/gateway/identity"
	"loam/gateway/uplink"
	"loam/internal/name"
)

// setupPage goes on where the guide was left.
func (k *kit) setupPage(w http.ResponseWriter, r *http.Request, _ string) {
	steps, _, _, err := k.guide(r.Context(), "")
	if err != nil {
		k.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/setup/"+next(steps), http.StatusSeeOther)
}

func (k *kit) stepPage(w http.ResponseWriter, r *http.Request, session string) {
	at := r.PathValue("step")
	if !slices.Contains(stepNames(), at) {
		k.oops(w, r, http.StatusNotFound)
		return
	}
	k.stepWith(w, r, session, at, "")
}

// stepWith shows a step, with what is wrong with what was given. What was given is still in the form then.
func (k *kit) stepWith(w http.ResponseWriter, r *http.Request, session, at, wrong string) {
	steps, s, known, err := k.guide(r.Context(), at)
	if err != nil {
		k.fail(w, r, err)
		return
	}
	l := k.languages[k.language(r)]
	f := frame{Page: at, Gateway: s.Gateway, Token: k.access.token(session), Steps: steps, Problem: wrong}
	if wrong == "" && s.TakenBack != "" {
		f.Problem = l.text("setup.taken_back", "why", s.TakenBack)
	}
	switch at {
	case "name":
		f.View = nameView{or(r, "community", s.Community), or(r, "gateway", s.Gateway), s.Spool.Next != 0}
	case "probes":
		v := k.probesView(s, known, l)
		if v.Searching {
			w.Header().Set("Refresh", "3")
		}
		f.View = v
	case "values":
		f.View = l.valuesView(s, known)
		if s.Watching {
			w.Header().Set("Refresh", "5")
		}
	case "hub":
		f.View, err = k.hubView(r, s)
	case "network":
		f.View, err = k.networkView(r, s)
	case "done":
		f.View = doneView{steps, next(steps), l.hub(s), s.Uplink.Connected, known.Receipt != nil}
		if known.Receipt == nil {
			w.Header().Set("Refresh", "10")
		}
	}
	if err != nil {
		k.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	k.show(w, r, status, f)
}

// or is what was given in a form that is shown again, or what is known.
func or(r *http.Request, field, known string) string {
	if v := r.PostFormValue(field); v != "" {
		return v
	}
	return known
}

// edit changes gateway.toml: only to something that passes the check, keeping the earlier file, and the gateway then
// runs with it.
func (k *kit) edit(step string, change func(raw []byte) ([]byte, error)) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	earlier, err := os.ReadFile(k.File)
	if err != nil {
		return fmt.Errorf("kit: read the configuration: %w", err)
	}
	now, err := change(earlier)
	if err != nil {
		return problem{step, err}
	}
	if string(now) == string(earlier) {
		return nil
	}
	if err := k.Gateway.Check(now); err != nil {
		return problem{step, err}
	}
	if err := save(k.File, earlier, now); err != nil {
		if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS) {
			k.Log.Error("the setup pages may not write the configuration", "err", err)
			return problem{step, fmt.Errorf("the gateway may not write %s: allow its user to write that folder, or change the file by hand", k.File)}
		}
		return err
	}
	k.Log.Info("the configuration was changed by the setup pages", "step", step, "file", k.File, "earlier", backup(k.File))
	k.Gateway.Restart()
	return nil
}

type nameView struct {
	Community, Gateway string
	Fixed              bool // batches were signed under these names
}

func (k *kit) changeName(_ http.ResponseWriter, r *http.Request) (string, error) {
	community, gateway := strings.TrimSpace(r.PostFormValue("community")), strings.TrimSpace(r.PostFormValue("gateway"))
	s, err := k.Gateway.Status(r.Context())
	if err != nil {
		return "", err
	}
	if changed := community != s.Community || gateway != s.Gateway; changed && s.Spool.Next != 0 {
		return "", problem{"name", errors.New("readings have been signed under these names already, so they stay as they are: a gateway that moves to another community begins with an empty state folder")}
	}
	for _, n := range []string{community, gateway} {
		if !name.Valid(n) {
			return "", problem{"name", fmt.Errorf("%.80q: %s", n, name.Rule)}
		}
	}
	err = k.edit("name", func(raw []byte) ([]byte, error) {
		raw, err := set(raw, "", "community", community)
		if err != nil {
			return nil, err
		}
		return set(raw, "", "gateway", gateway)
	})
	if err == nil {
		err = k.memory.change(func(r *remembered) { r.Named = true })
	}
	return "/setup/" + after("name"), err
}

type valuesView struct {
	Probes   []probeView
	Watching bool
	Every    string
}

func (l language) valuesView(s Status, known remembered) valuesView {
	v := valuesView{Probes: l.probes(s), Watching: s.Watching, Every: l.age(s.Interval)}
	for _, p := range v.Probes {
		for i := range p.Channels {
			p.Channels[i].Seen = slices.Contains(known.Seen, p.Channels[i].ID)
		}
	}
	return v
}

func (k *kit) valuesSeen(_ http.ResponseWriter, r *http.Request) (string, error) {
	s, err := k.Gateway.Status(r.Context())
	if err != nil {
		return "", err
	}
	c := r.PostFormValue("seen")
	if !slices.Contains(channels(s), c) {
		return "/setup/values", nil // it was taken out meanwhile
	}
	return "/setup/values#c-" + url.PathEscape(c), k.memory.change(func(r *remembered) {
		// What is no channel any more is forgotten with it.
		r.Seen = slices.DeleteFunc(r.Seen, func(old string) bool { return old == c || !slices.Contains(channels(s), old) })
		r.Seen = append(r.Seen, c)
	})
}

func (k *kit) watch(_ http.ResponseWriter, r *http.Request) (string, error) {
	k.Gateway.Watch()
	return "/setup/values", nil
}

type hubView struct {
	Broker, HubKey   string
	Fingerprint, Key string
	Enrol            string // what the hub's operator writes into hub.toml
	QR               any
	Mail             string
}

func (k *kit) hubView(r *http.Request, s Status) (hubView, error) {
	key := identity.FormatKey(k.Key)
	v := hubView{
		Broker: or(r, "broker", s.Broker), HubKey: or(r, "hub_key", s.HubKey), Fingerprint: identity.Fingerprint(k.Key), Key: key,
		Enrol: fmt.Sprintf("[[gateway]]\nid = %q\nkey = %q\n", s.Gateway, key),
	}
	v.Mail = "mailto:?" + strings.ReplaceAll(url.Values{"subject": {"loam: " + s.Gateway}, "body": {v.Enrol}}.Encode(), "+", "%20")
	picture, err := drawQR(v.Enrol)
	v.QR = picture
	return v, err
}

func (k *kit) changeHub(_ http.ResponseWriter, r *http.Request) (string, error) {
	broker, key := strings.TrimSpace(r.PostFormValue("broker")), strings.TrimSpace(r.PostFormValue("hub_key"))
	if broker, err := brokerAddress(broker); err != nil {
		return "", problem{"hub", err}
	} else if err := (uplink.Config{Broker: broker, HubKey: key}).Validate(); err != nil {
		return "", problem{"hub", err}
	} else {
		return "/setup/" + after("hub"), k.edit("hub", func(raw []byte) ([]byte, error) {
			raw, err := set(raw, "uplink", "broker", broker)
			if err != nil {
				return nil, err
			}
			return set(raw, "uplink", "hub_key", key)
		})
	}
}

// brokerAddress reads an address as people give it; a bare host is completed.
func brokerAddress(s string) (string, error) {
	wrong := fmt.Errorf("broker %.80q: write it like mqtt://192.168.1.10:1883 or mqtts://hub.example.org:8883", s)
	if !strings.Contains(s, "://") {
		s = "mqtt://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || len(s) > 200 {
		return "", wrong
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), map[string]string{"mqtt": "1883", "mqtts": "8883"}[u.Scheme])
	}
	return u.String(), nil
}

type networkView struct {
	Address   string // of these pages, as the phone reached them
	QR        any
	Connected bool
	Facts     []string
}

func (k *kit) networkView(r *http.Request, s Status) (networkView, error) {
	v := networkView{Address: "http://" + r.Host + "/", Connected: s.Uplink.Connected}
	for _, c := range s.Checks {
		if strings.HasPrefix(c.ID, "network.") {
			v.Facts = append(v.Facts, c.Fact)
		}
	}
	if len(r.Host) > 100 {
		return v, nil
	}
	picture, err := drawQR(v.Address)
	v.QR = picture
	return v, err
}

func (k *kit) networkSeen(http.ResponseWriter, *http.Request) (string, error) {
	return "/setup/" + after("network"), k.memory.change(func(r *remembered) { r.Network = true })
}

type doneView struct {
	Steps     []step
	Next      string
	Hub       string
	Connected bool
	Receipt   bool
}

// drawQR draws a QR code (ISO/IEC 18004, level M) as one path, with the margin of four modules that readers need.
func drawQR(text string) (any, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("kit: draw a QR code: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="qr" viewBox="-4 -4 %d %d" aria-hidden="true" shape-rendering="crispEdges"><path d="`, code.Size+8, code.Size+8)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return svg(b.String()), nil
}

package kit

import (
	"context"
	"slices"
)

// stepNames are the steps of the guide, in their order. Each has an address, a template and a title of its name.
func stepNames() []string { return []string{"name", "probes", "values", "hub", "network", "done"} }

// step is one line of the guide.
type step struct {
	Name    string
	Number  int
	Done    bool
	Current bool
}

// guide says which steps are done: what gateway.toml and the gateway themselves tell is never remembered twice.
func (k *kit) guide(ctx context.Context, at string) ([]step, Status, remembered, error) {
	s, err := k.Gateway.Status(ctx)
	if err != nil {
		return nil, s, remembered{}, err
	}
	if k.memory.read().Receipt == nil && !s.Uplink.LastReceipt.IsZero() {
		first := s.Uplink.LastReceipt
		if err := k.memory.change(func(r *remembered) { r.Receipt = &first }); err != nil {
			k.Log.Warn("the setup pages cannot remember that the hub answered", "error", err)
		}
	}
	r := k.memory.read()
	done := map[string]bool{
		"name":    r.Named,
		"probes":  len(s.Probes) > 0,
		"values":  len(channels(s)) > 0 && !slices.ContainsFunc(channels(s), func(c string) bool { return !slices.Contains(r.Seen, c) }),
		"hub":     s.Broker != "" && s.HubKey != "",
		"network": r.Network || s.Uplink.Connected,
		"done":    r.Receipt != nil || !s.Uplink.LastReceipt.IsZero(),
	}
	var steps []step
	for i, name := range stepNames() {
		steps = append(steps, step{Name: name, Number: i + 1, Done: done[name], Current: name == at})
	}
	return steps, s, r, nil
}

func channels(s Status) []string {
	var all []string
	for _, p := range s.Views {
		for _, c := range p.Channels {
			all = append(all, string(c.Channel))
		}
	}
	return all
}

// next is the first step that is not done; the last one when all are.
func next(steps []step) string {
	for _, s := range steps {
		if !s.Done {
			return s.Name
		}
	}
	return steps[len(steps)-1].Name
}

// after is the step behind one.
func after(name string) string {
	names := stepNames()
	return names[min(slices.Index(names, name)+1, len(names)-1)]
}

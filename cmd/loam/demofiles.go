package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
	"time"

	"loam/gateway/identity"
	"loam/sensors/sim"
)

// samples are the configurations that ship with loam. method.toml is also the demo's method.
//
//go:embed sample/*.toml sample/demo/*.tmpl
var samples embed.FS

// demoFiles are the configurations of a demonstration, each read as if a person had written it.
type demoFiles struct {
	hub      string
	gateways []string
}

// demoGateway fills in a gateway's files.
type demoGateway struct {
	Place          sim.Place // where its simulated probes stand
	ID, Name, Key  string
	HubKey, Broker string
	Seed           int64
	Start          time.Time
	Probes         []sim.Probe
}

// layOutDemo writes the configurations and keys of a demonstration into dir. What stands there already stays.
func layOutDemo(dir string, world demoWorld, http string) (demoFiles, error) {
	files := demoFiles{hub: filepath.Join(dir, "hub.toml")}
	hub, err := identity.LoadOrCreate(keyPath(filepath.Join(dir, "hub")), "willow-creek-hub")
	if err != nil {
		return files, err
	}
	names := map[sim.Place]string{sim.Meadow: "Gateway at the old fence", sim.Riparian: "Gateway under the alders", sim.Stream: "Gateway at the ford"}
	var gateways []demoGateway
	for _, place := range sim.Places() {
		g := demoGateway{
			ID: string(place), Place: place, Name: names[place], Seed: world.Seed, Start: world.Start,
			HubKey: identity.FormatKey(hub.Public()), Broker: "mqtt://127.0.0.1:1883", // the demo says where its broker really is
		}
		id, err := identity.LoadOrCreate(keyPath(filepath.Join(dir, g.ID)), g.ID)
		if err != nil {
			return files, err
		}
		g.Key = identity.FormatKey(id.Public())
		g.Probes = sim.Wiring(sim.NewWorld(world.Seed, world.Start), place)
		gateways = append(gateways, g)
		path := filepath.Join(dir, "gateway-"+g.ID+".toml")
		if err := writeOnce(path, "gateway.toml.tmpl", g); err != nil {
			return files, err
		}
		files.gateways = append(files.gateways, path)
	}
	method, err := samples.ReadFile("sample/method.toml")
	if err != nil {
		return files, err
	}
	if err := keepOrWrite(filepath.Join(dir, "method.toml"), method); err != nil {
		return files, err
	}
	return files, writeOnce(files.hub, "hub.toml.tmpl", struct {
		HTTP     string
		Gateways []demoGateway
	}{http, gateways})
}

func writeOnce(path, name string, data any) error {
	t, err := template.New(name).Funcs(template.FuncMap{
		"quote": func(v any) string { return strconv.Quote(fmt.Sprint(v)) },
	}).ParseFS(samples, "sample/demo/"+name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return err
	}
	return keepOrWrite(path, b.Bytes())
}

// keepOrWrite writes a file unless it stands: a person may have changed it.
func keepOrWrite(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

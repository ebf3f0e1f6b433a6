package modbusprobe

import (
	"os"
	"strings"
	"testing"

	"loam/sensors"
)

// embedded returns the maps of this package.
func embedded(t testing.TB) map[string]*registerMap {
	t.Helper()
	files, err := maps.ReadDir("maps")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*registerMap{}
	for _, f := range files {
		raw, err := maps.ReadFile("maps/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		m, err := parse(f.Name(), raw)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if m.Name+".toml" != f.Name() {
			t.Errorf("%s is named %q", f.Name(), m.Name)
		}
		all[m.Name] = m
	}
	return all
}

func TestEveryMapExplainsAnExchange(t *testing.T) {
	all := embedded(t)
	if len(all) < 10 {
		t.Errorf("%d maps", len(all))
	}
	for name, m := range all {
		read := map[int]bool{}
		for _, g := range m.Goldens { // parse has replayed them
			if g.Source == "" {
				t.Errorf("%s: an exchange without a source", name)
			}
			for i, group := range m.Groups {
				read[i] = read[i] || string(m.request(group).Frame(m.Address)) == string(g.Request)
			}
		}
		if len(read) != len(m.Groups) {
			t.Errorf("%s: %d of %d groups are in an exchange", name, len(read), len(m.Groups))
		}
	}
}

// TestComputedNutrientsSaySo: people read the accuracy before they believe a number.
func TestComputedNutrientsSaySo(t *testing.T) {
	n := 0
	for _, m := range Models() {
		for _, o := range m.Outputs {
			switch o.Quantity {
			case sensors.SoilNitrogen, sensors.SoilPhosphorus, sensors.SoilPotassium:
				n++
				if !strings.HasPrefix(o.Accuracy, "low confidence") {
					t.Errorf("%s: %s: %q", m.Name, o.Quantity, o.Accuracy)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no nutrients were looked at")
	}
}

// TestTheMapThatPeopleReadAboutIsRight: they begin with a copy of it.
func TestTheMapThatPeopleReadAboutIsRight(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/fieldbus.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "# /etc/loam/maps/pond-probe.toml\n")
	text, _, found := strings.Cut(text, "```")
	if m, err := parse("docs/fieldbus.md", []byte(text)); !found || err != nil || len(m.Outputs) != 2 || len(m.Checks) != 1 || len(m.Goldens) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

package challenge

// SkipSync makes commits fast and not durable, for tests that open many files.
func (d *Docket) SkipSync(t interface{ Fatal(...any) }) { d.Raw(t, `PRAGMA synchronous = OFF`) }

// Raw runs SQL past all rules.
func (d *Docket) Raw(t interface{ Fatal(...any) }, query string) {
	if err := d.Try(query); err != nil {
		t.Fatal(err)
	}
}

// Try is Raw for what may fail.
func (d *Docket) Try(query string) error {
	_, err := d.db.Write.Exec(query)
	return err
}

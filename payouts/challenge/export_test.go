package challenge

// Raw runs SQL past all rules, as somebody with access to the file could.
func (d *Docket) Raw(query string) error {
	_, err := d.db.Write.Exec(query)
	return err
}

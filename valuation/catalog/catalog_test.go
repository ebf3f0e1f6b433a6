package catalog

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every folder beside this one that offers an index, func Kind() valuation.Kind, stands in the table.
func TestEverySiblingIndexIsListed(t *testing.T) {
	imported := map[string]bool{}
	file, err := parser.ParseFile(token.NewFileSet(), "catalog.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		imported[filepath.Base(strings.Trim(i.Path.Value, `"`))] = true
	}
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, folder := range folders {
		if !folder.IsDir() || !offersIndex(t, filepath.Join("..", folder.Name())) {
			continue
		}
		found++
		if !imported[folder.Name()] {
			t.Errorf("valuation/%s is an index and is not listed in catalog.go", folder.Name())
		}
	}
	if found != len(Kinds()) || found == 0 {
		t.Errorf("%d folders offer an index, the table lists %d", found, len(Kinds()))
	}
}

func offersIndex(t *testing.T, folder string) bool {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Kind" {
				return true
			}
		}
	}
	return false
}

func TestNamesAreUniqueAndFound(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Name] {
			t.Errorf("two indices are called %q", k.Name)
		}
		seen[k.Name] = true
		if got, err := Lookup(k.Name); err != nil || got.Name != k.Name {
			t.Errorf("Lookup(%q) gave %q, %v", k.Name, got.Name, err)
		}
	}
	if _, err := Lookup("happiness"); err == nil || !strings.Contains(err.Error(), "soil_moisture_regime") {
		t.Errorf("an unknown name must say which are known: %v", err)
	}
}

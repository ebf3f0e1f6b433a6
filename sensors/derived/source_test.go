package derived_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// A product may only meet a sum after float64(...) has rounded it, else arm64 fuses the two. So every product stands in
// such a conversion or in a quotient. A quotient is not fused; one by a power of two is turned into a product and then may
// be, but that product is exact, so its sum is the same either way.
func TestEveryProductIsRounded(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	products := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var above []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return false
			}
			if b, ok := n.(*ast.BinaryExpr); ok && b.Op == token.MUL {
				products++
				if !rounded(above) {
					t.Errorf("%s: a product that is not rounded: write float64(...) around it", set.Position(b.Pos()))
				}
			}
			if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.MUL_ASSIGN {
				t.Errorf("%s: write x = float64(x * y)", set.Position(a.Pos()))
			}
			above = append(above, n)
			return true
		})
	}
	if products < 50 {
		t.Errorf("only %d products found: the test has lost its files", products)
	}
}

// rounded reports whether what stands above a product takes only its rounded value.
func rounded(above []ast.Node) bool {
	for i := len(above) - 1; i >= 0; i-- {
		switch n := above[i].(type) {
		case *ast.ParenExpr:
			continue
		case *ast.BinaryExpr:
			switch n.Op {
			case token.QUO:
				return true // divided or divisor: no fused form
			case token.MUL:
				continue // part of a longer product
			}
			return false
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.Ident)
			return ok && f.Name == "float64"
		case *ast.ValueSpec:
			return true // a constant, exact
		default:
			return false
		}
	}
	return false
}

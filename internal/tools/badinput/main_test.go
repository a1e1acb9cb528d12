package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with a few tests and returns what is found in it.
func module(t *testing.T) tests {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                  "module x\n",
		"a/a_test.go":             "package a_test\n\nfunc TestA(t *testing.T) { t.Run(\"one\", nil); say(\"word\") }\n\nfunc TestCases(t *testing.T) { read(\"testdata/c.txt\") }\n",
		"a/testdata/c.txt":        "#### two\nx\n",
		"a/fuzz_test.go":          "package a\n\n// FuzzA: it\n// holds.\nfunc FuzzA(f *testing.F) {}\n\nfunc FuzzB(f *testing.F) {}\n",
		"other/go.mod":            "module y\n",
		"other/other_test.go":     "package other\n\nfunc TestOther(t *testing.T) {}\n",
		"a/testdata/bad_test.go":  "no Go",
		"test/served/go.mod":      "module x/test/served\n",
		"test/served/s/s_test.go": "package s_test\n\nfunc TestS(t *testing.T) {}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := findTests(root)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOnlyTestsThatExistAreFound(t *testing.T) {
	found := module(t)
	for name, want := range map[string]bool{
		"a.TestA": true, "a.TestA/one": true, "a.TestCases/two": true, "a.FuzzA": true, "s.TestS": true,
		"a.TestB": false, "TestA": false, "other.TestOther": false, "": false,
	} {
		if _, err := found.find(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARowWithoutATestThatExistsIsAProblem(t *testing.T) {
	p := page{tests: module(t), root: ".."}
	p.write([]section{{"S", []row{
		{"good", "fine", []string{"a.TestA/one", "a.TestCases"}},
		{"none", "bad", nil},
		{"gone", "bad", []string{"a.TestGone"}},
	}}})
	var problems []string
	for _, err := range p.problems {
		problems = append(problems, err.Error())
	}
	want := `"none" has no test
"gone": there is no test a.TestGone
a.FuzzB: its comment does not say what must hold`
	if got := strings.Join(problems, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, line := range []string{
		"| good | fine | [`a.TestA/one`](../a/a_test.go)<br>[`a.TestCases`](../a/a_test.go) |", "| [`a.FuzzA`](../a/fuzz_test.go) | it holds. |",
	} {
		if !strings.Contains(p.text.String(), line+"\n") {
			t.Errorf("no line %s in\n%s", line, p.text.String())
		}
	}
}

func TestTheModelGoesBetweenItsMarksAndNothingElseChanges(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "SECURITY.md")
	for _, document := range []string{"before\n" + modelBegins + "\nold\n" + modelEnds + "\nafter\n", "no marks\n"} {
		if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		err := writeModel(root, path)
		text, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if document == "no marks\n" {
			if err == nil || string(text) != document {
				t.Errorf("without marks: %v, %s", err, text)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(string(text), "before\n"+modelBegins+"\n\n| who |") ||
			!strings.HasSuffix(string(text), "|\n\n"+modelEnds+"\nafter\n") || strings.Contains(string(text), "old\n") {
			t.Errorf("%v, %s", err, text)
		}
	}
}

func TestACellOfTheModelWithoutATestThatExistsIsAProblem(t *testing.T) {
	p := page{tests: module(t), root: "."}
	p.writeModel([]section{{"a stranger", []row{{"one", "fine", []string{"a.TestA"}}, {"two", "bad", nil}, {"three", "bad", []string{"a.TestGone"}}}}})
	if len(p.problems) != 2 {
		t.Errorf("problems: %v", p.problems)
	}
	if line := "| a stranger | one | fine | [`a.TestA`](a/a_test.go) |\n"; !strings.Contains(p.text.String(), line) {
		t.Errorf("no line %s in\n%s", line, p.text.String())
	}
}

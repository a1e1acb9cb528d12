package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A text beside a test is no subtest, and one that was skipped or has failed shows nothing.
func TestARowWhoseTestDidNotRunAndPassIsAProblem(t *testing.T) {
	found := module(t)
	file := filepath.Join(t.TempDir(), "outcomes")
	ran := "pass x/a TestA\npass x/a TestA/one\nskip x/a TestCases\nfail x/a FuzzA\npass x/other TestOther\npass y/a TestCases/two\npass x/test/served/s TestS\n"
	if err := os.WriteFile(file, []byte(ran), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := readOutcomes(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.TestA":           "",
		"a.TestA/one":       "",
		"s.TestS":           "",
		"a.TestA/word":      "a.TestA/word was not among the tests that ran",
		"a.TestCases":       "a.TestCases did not pass: skip",
		"a.TestCases/two":   "a.TestCases/two was not among the tests that ran",
		"a.FuzzA":           "a.FuzzA did not pass: fail",
		"other.TestOther":   "there is no test other.TestOther",
		"a.TestA/one/three": "a.TestA/one/three was not among the tests that ran",
	} {
		rows := []section{{"S", []row{{"input", "happens", []string{name}}}}}
		if err := all.check(rows, found, "x"); err == nil != (want == "") || err != nil && err.Error() != `"input": `+want {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestSkippedTestsAreExcusedAloudWhereTheyMayBe(t *testing.T) {
	all := outcomes{"x/a TestA": "pass", "x/a TestCases": "skip", "x/a FuzzA": "fail"}
	var said strings.Builder
	all.excuseSkipped(&said)
	if want := "badinput: x/a TestCases was skipped, in CI it must not be\n"; said.String() != want {
		t.Errorf("said %q, want %q", said.String(), want)
	}
	rows := []section{{"S", []row{{"input", "happens", []string{"a.TestA", "a.TestCases", "a.FuzzA"}}}}}
	if err := all.check(rows, module(t), "x"); err == nil || err.Error() != `"input": a.FuzzA did not pass: fail` {
		t.Errorf("got %v", err)
	}
}

func TestNamesAreSpeltAsTheyRun(t *testing.T) {
	for _, name := range []string{"a b", "tab\tbell\a", "ünïcode “quotes”", "--web.listen-address", "a/b\u200b", "x|y"} {
		t.Run(name, func(t *testing.T) {
			if got := "TestNamesAreSpeltAsTheyRun/" + asRun(name); got != t.Name() {
				t.Errorf("%q: got %s, want %s", name, got, t.Name())
			}
		})
	}
}

// What `make test` asks is about the security model, too.
func TestATestOfTheModelThatDidNotRunIsAProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "outcomes")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := checkRan("../../..", file)
	for _, s := range doors() {
		for _, r := range s.rows {
			for _, name := range r.tests {
				if want := `"` + r.input + `": ` + name + " was not among the tests that ran"; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("no word of %s", want)
				}
			}
		}
	}
}

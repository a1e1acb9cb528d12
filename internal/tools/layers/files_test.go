package main

import "testing"

// A file of what was one tracker once can be read from the top down: what it refers to refers to nothing of it.
func TestFilesReferOneWay(t *testing.T) {
	for _, folder := range downward() {
		t.Run(folder, func(t *testing.T) {
			if err := checkFiles(t.Context(), "../../..", folder); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACircleOfReferencesIsNamed(t *testing.T) {
	for want, refs := range map[string]references{
		"":                                     {"a": {"b": "B", "c": "C"}, "b": {"c": "C2"}},
		"b refers to C2 of c refers to B of b": {"a": {"b": "B", "c": "C"}, "b": {"c": "C2"}, "c": {"b": "B"}},
		"a refers to B of b refers to C of c refers to A of a": {"a": {"b": "B"}, "b": {"c": "C"}, "c": {"a": "A"}},
	} {
		if got := refs.circle(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

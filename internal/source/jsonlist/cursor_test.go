package jsonlist

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// FuzzJSON: what is gone over as one value is one, by what encoding/json says, and what is said to lack only its end is none yet.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,null,"\u00e9\"",{}]}`, `"\ud83d\ude00"`, `01`, `1.`, `[1,]`, `{"a"}`, `tru`, `"\x"`, "\"\n\"", `-`, `1e`, "[[", `{"a":1,}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := cursor{text: text}
		err := c.skip()
		if err == nil {
			c.next()
		}
		whole := err == nil && c.at == len(text)
		if valid := json.Valid([]byte(text)); whole != valid && !errors.Is(err, errDeep) {
			t.Errorf("whole %t (%v), valid %t", whole, err, valid)
		}
		if text == "" || text[0] != '"' || len(text) > parsed.MaxMeant || !whole || !utf8.ValidString(text) {
			return
		}
		c = cursor{text: text}
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if got, err := c.string(); err != nil || got.Text != want {
			t.Errorf("%q (%v), want %q", got.Text, err, want)
		}
	})
}

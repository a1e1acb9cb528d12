package latest

import (
	"slices"
	"testing"
)

// given is what becomes of ids that need room: a turn each, in capitals where they have what room there is.
func given(o Order, ids string) string {
	var all []byte
	for i := range len(ids) {
		turn, room := o.Next(uint64(ids[i]))
		c := "fwpd"[turn]
		if room {
			c -= 'a' - 'A'
		}
		all = append(all, c)
	}
	return string(all)
}

func TestTheLastIDsHaveRoom(t *testing.T) {
	refused := NewRefused([]uint64{'c', 'a', 'c'})
	over := First(false)
	over.PassOver(true)
	behind := over
	behind.PassOver(false)
	quiet := First(true)
	quiet.PassOver(true)
	for name, tt := range map[string]struct {
		order Order
		want  string // of a, b, c and d
	}{
		"what is appended":                       {Order{}, "FFFF"},
		"a first read":                           {First(true), "WWWW"},
		"passed over":                            {quiet, "pppp"},
		"passed over, though all may be new":     {over, "ffff"},
		"behind those":                           {behind, "FFFF"},
		"three were refused, there is room":      {Again(3, 5), "WWWF"},
		"three were refused, there is one place": {Again(3, 1), "ddWF"},
		"all were refused":                       {Again(9, 0), "dddd"},
		"a whole content":                        {Whole(4, 4, 0, nil, true), "WWWW"},
		"with room for one":                      {Whole(4, 1, 0, nil, true), "wwwW"},
		"of which two were refused":              {Whole(4, 1, 0, refused, false), "wfwF"},
		"of which the first were refused":        {Whole(4, 0, 3, nil, false), "wwwf"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := given(tt.order, "abcd"); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestAShareIsRatherMoreThanLess(t *testing.T) {
	if s := ShareOf(nil); s.Of(1000) != 1000 || s.Needs(1000) != 1000 {
		t.Errorf("without replicas: %d, %d", s.Of(1000), s.Needs(1000))
	}
	quarter := ShareOf(func(id string) bool { return slices.Contains([]byte("0123"), id[len(id)-1]) && len(id)%2 == 0 })
	if of, needs := quarter.Of(4096), quarter.Needs(1000); of < 1000 || of > 4096 || needs < 1000 || needs > 4000 {
		t.Errorf("%d of 4096, %d for 1000", of, needs)
	}
	if none := ShareOf(func(string) bool { return false }); none.Of(1000) != 0 || none.Needs(1000) < 1000 {
		t.Errorf("of none: %d, %d", none.Of(1000), none.Needs(1000))
	}
}

package kie

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The answer of the API's own documentation, with a second ten minutes in which there were no tasks.
const documentedHealth = `{"code":200,"msg":"success","data":{"model":"veo-3-1","points":[
	{"start":"2026-09-08T07:20:00Z","end":"2026-09-08T07:30:00Z","successRate":91.0,"errorRate":9.0,"isNormal":true},
	{"start":"2026-09-08T07:30:00Z","end":"2026-09-08T07:40:00Z","successRate":null,"errorRate":null,"isNormal":true}]}}`

func TestHowAModelFaresIsTheLastTenMinutesThatTell(t *testing.T) {
	point := func(end, success string) string { return fmt.Sprintf(`{"end":%q,"successRate":%s}`, end, success) }
	end := time.Date(2026, 9, 8, 7, 30, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		body  string
		class Class
		want  Health
	}{
		"as documented":       {body: documentedHealth, want: Health{0.91, TimeOf(end)}},
		"no monitoring data":  {body: `{"code":200,"data":{"model":"veo-3-1","points":[]}}`},
		"points are null":     {body: `{"code":200,"data":{"points":null}}`},
		"in any order":        {body: points(point("2026-09-08T07:30:00Z", "100"), point("2026-09-08T07:20:00Z", "0")), want: Health{1, TimeOf(end)}},
		"nobody succeeds":     {body: points(point("2026-09-08T07:30:00Z", "-0.0")), want: Health{0, TimeOf(end)}},
		"a number in a text":  {body: points(point("2026-09-08T07:30:00Z", `"12.5"`)), want: Health{0.125, TimeOf(end)}},
		"another zone":        {body: points(point("2026-09-08T15:30:00+08:00", "50")), want: Health{0.5, TimeOf(end)}},
		"not over yet":        {body: points(point("2026-09-08T07:30:00Z", "50"), point(time.Now().Add(8*time.Minute).Format(time.RFC3339), "1")), want: Health{0.5, TimeOf(end)}},
		"more than all":       {body: points(point("2026-09-08T07:30:00Z", "101"))},
		"less than none":      {body: points(point("2026-09-08T07:30:00Z", "-1"))},
		"no number":           {body: points(point("2026-09-08T07:30:00Z", `"NaN"`), point("2026-09-08T07:30:00Z", "1e999"))},
		"a time without zone": {body: points(point("2026-09-08 07:30:00", "50"))},
		"no times":            {body: points(`{"successRate":50}`, `7`, `null`), class: ClassDecode},
		"another model":       {body: `{"code":200,"data":{"model":"veo-3","points":[]}}`, class: ClassMismatch},
		"no points":           {body: `{"code":200,"data":{"model":"veo-3-1"}}`, class: ClassDecode},
		"points are no list":  {body: `{"code":200,"data":{"points":{}}}`, class: ClassDecode},
		"too many points":     {body: points(strings.Repeat(`{},`, mostPoints) + `{}`), class: ClassDecode},
		"no data":             {body: `{"code":200,"data":null}`, class: ClassNotFound},
		"a list":              {body: `{"code":200,"data":[]}`, class: ClassDecode},
		"an unknown model":    {body: `{"code":404,"msg":"The model name you specified is not supported.","data":null}`, class: ClassNotFound},
		"too fast":            {body: `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`, class: ClassRateLimited},
		"a failed task":       {body: `{"code":501,"data":null}`, class: ClassServer},
		"a page":              {body: "<html>", class: ClassDecode},
		"nothing":             {class: ClassDecode},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.RequestURI != "/api/v1/models/veo-3-1/success-rate" {
					t.Errorf("asked %s", r.RequestURI)
				}
				answering(http.StatusOK, tt.body)(w, r)
			})
			got, err := c.ModelHealth(t.Context(), "veo-3-1")
			wantClass(t, err, tt.class)
			if got != tt.want || math.Signbit(got.Success) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func points(all ...string) string {
	return `{"code":200,"data":{"points":[` + strings.Join(all, ",") + `]}}`
}

// A model's name comes from answers and lists, and goes into a path.
func TestOnlyNamesOfACatalogueAreAskedAbout(t *testing.T) {
	for name, want := range map[string]bool{
		"veo-3-1": true, "wan/v2-2-t2v": true, "gpt-image/1.5-text-to-image": true, "V4_5": true,
		"": false, "/": false, "a/": false, "/a": false, "a/b/c": false, ".": false, "..": false, "../chat": false, "a/..": false, "a b": false, "a?b": false,
		"a#b": false, "a%2fb": false, "ä": false, "a\n": false, "a\\b": false, "a:b": false,
	} {
		if got := IsCatalogued(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/api/v1/models/wan/v2-2-t2v/success-rate" {
			t.Errorf("asked %s: the slash of a model's name is not escaped", r.RequestURI)
		}
		answering(http.StatusOK, points())(w, r)
	})
	if _, err := c.ModelHealth(t.Context(), "wan/v2-2-t2v"); err != nil {
		t.Error(err)
	}
}

// FuzzModelHealth: the class is the one that status and code say when read in the plainest way, nothing is told beside an error, and what is
// told is a share of 0 to 1 at a time that has passed.
func FuzzModelHealth(f *testing.F) {
	for _, seed := range []string{
		documentedHealth, points(), points(`{"end":"2026-09-08T07:30:00Z","successRate":1e2}`, `null`), `{"code":200,"data":{"points":[{"end":7,"successRate":"x"}]}}`,
		`{"code":404,"data":null}`, `{"code":200}`, "", "<html>",
	} {
		f.Add([]byte(seed), 200)
		f.Add([]byte(seed), 503)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		r := reply{status: status, body: body}
		h, err := r.health("veo-3-1")
		checkClass(t, r, ClassOf(err))
		switch {
		case err != nil && h != Health{}:
			t.Errorf("%+v beside %v", h, err)
		case !(h.Success >= 0 && h.Success <= 1), h.End.IsZero() && h.Success != 0, !h.End.IsZero() && !h.End.Valid(), h.End > TimeOf(time.Now()):
			t.Errorf("%+v", h)
		}
	})
}

package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/units"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// shop is a declaration with a setting of each kind.
type shop struct {
	Name    string            `yaml:"name" required:"true"`
	Open    bool              `yaml:"open" default:"true"`
	Doors   int               `yaml:"doors" range:"1..4" default:"2"`
	Price   float64           `yaml:"price" range:"0.5..10" default:"1.5"`
	Break   time.Duration     `yaml:"break" range:"10m..1h" or:"0s" default:"30m"`
	Room    units.Base2Bytes  `yaml:"room" range:"1KiB..1MiB" default:"2KiB"`
	Days    []string          `yaml:"days,omitempty" format:"day" items:"..2" unique:"true" any:"when"`
	Holiday map[string]string `yaml:"holiday,omitempty" key:"day" any:"when"`
	Shelves []shelf           `yaml:"shelves,omitempty" items:"1.."`
	Cellar  *shelf            `yaml:"cellar,omitempty"`
	Ghost   any               `yaml:"ghost" format:"ghost"`
	Haunted bool              `yaml:"haunted" format:"haunted" default:"false"`

	Untold string // no setting
}

type shelf struct {
	Width int `yaml:"width" range:"1..9" default:"3"`
	Depth int `yaml:"depth" range:"1..9" default:"3"`
}

// Check implements Checker.
func (s *shelf) Check(o *Object) {
	if o.Clean() && s.Depth > s.Width {
		o.Report("depth", "must not be above width")
	}
}

var shopFormats = Formats{
	"day": Text[string]{What: "a day", ID: func(s string) string { return s }, Parse: func(s string) (string, error) {
		if !strings.HasSuffix(s, "day") {
			return "", errors.New("is no day")
		}
		return s, nil
	}},
	"ghost":   Refused("does not exist"),
	"haunted": Never("there are none"),
}

// read reads a shop, and checks that it is shown as a text that is read as the same one.
func read(t *testing.T, text string) (*shop, error) {
	t.Helper()
	declared := Declare[shop](shopFormats)
	d := NewDecoder("shop.yml")
	root, ok := d.Parse([]byte(text))
	if !ok {
		return nil, d.Err()
	}
	s := &shop{}
	declared.SetDefaults(s)
	declared.ReadObject(d, root, s)
	return s, d.Err()
}

func TestWhatIsNotGivenIsTheDefault(t *testing.T) {
	got, err := read(t, "{name: n, days: [monday], shelves: [{}, {width: 9}], cellar: {depth: 1}}")
	want := &shop{
		Name: "n", Open: true, Doors: 2, Price: 1.5, Break: 30 * time.Minute, Room: 2048, Days: []string{"monday"},
		Shelves: []shelf{{3, 3}, {9, 3}}, Cellar: &shelf{3, 1},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestWhatIsShownIsReadAsTheSame(t *testing.T) {
	for _, text := range []string{
		"{name: n, days: [monday]}",
		"{name: '7', open: false, doors: 4, price: 10, break: 0s, room: 1MiB, holiday: {sunday: '1', monday: x}, shelves: [{}], cellar: {}}",
	} {
		first, err := read(t, text)
		if err != nil {
			t.Fatal(err)
		}
		node, err := Declare[shop](shopFormats).YAML(first)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := yaml.Marshal(node)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := read(t, string(shown)); err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("%v: shown\n%s", err, shown)
		}
	}
}

// Where a value came from may be nothing that a file could say, wherever the value stands.
func TestWhatIsNotShownIsLeftOut(t *testing.T) {
	type diary struct {
		One   string   `yaml:"one" format:"private"`
		Some  []string `yaml:"some,omitempty" format:"private"`
		None  []string `yaml:"none,omitempty" format:"private"`
		Empty []string `yaml:"empty" format:"private"`
	}
	private := Text[string]{What: "a text", Parse: func(s string) (string, error) { return s, nil }, Shown: func(s string) any {
		if s == "private" {
			return nil
		}
		return s
	}}
	of := &diary{One: "private", Some: []string{"a", "private", "b"}, None: []string{"private"}}
	node, err := Declare[diary](Formats{"private": private}).YAML(of)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := yaml.Marshal(node)
	if want := "some:\n    - a\n    - b\nempty: []\n"; err != nil || string(shown) != want {
		t.Errorf("%v: got\n%swant\n%s", err, shown, want)
	}
}

func TestEveryProblemHasItsLineAndPath(t *testing.T) {
	_, err := read(t, `
open: 1
doors: 5
price: 0.1
break: 5m
room: 1
days: [monday, monday, tuesday]
holiday: {christmas: x, sunday: ''}
shelves: [{width: 2}, 3, {width: 0}]
cellar: {wide: 1}
ghost: boo
haunted: true
`)
	want := `shop.yml:2: name: must be given
shop.yml:2: open: must be true or false
shop.yml:3: doors: must be 1 to 4 (got 5)
shop.yml:4: price: must be 0.5 to 10 (got 0.1)
shop.yml:5: break: must be 0s or 10m to 1h (got 5m)
shop.yml:6: room: must be 1KiB to 1MiB (got 1)
shop.yml:7: days[1]: is listed already (monday)
shop.yml:7: days: must have at most 2 items
shop.yml:8: holiday.christmas: is no day
shop.yml:8: holiday.sunday: must not be empty
shop.yml:9: shelves[0].depth: must not be above width
shop.yml:9: shelves[1]: must be a mapping of keys to values
shop.yml:9: shelves[2].width: must be 1 to 9 (got 0)
shop.yml:10: cellar.wide: unknown key; known here: depth, width
shop.yml:11: ghost: does not exist
shop.yml:12: haunted: is not possible: there are none`
	problems, ok := errors.AsType[document.Problems](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	lines := map[string]bool{}
	for _, p := range problems {
		lines[p.String()] = true
	}
	for line := range strings.SplitSeq(want, "\n") {
		if !lines[line] {
			t.Errorf("there is no %s", line)
		}
	}
	if len(problems) != 16 {
		t.Errorf("got %d problems:\n%v", len(problems), err)
	}
}

func TestOneOfSeveralSettingsMustBeGiven(t *testing.T) {
	if _, err := read(t, "{name: n, days: []}"); err == nil || err.Error() != "shop.yml:1: has neither days, nor holiday" {
		t.Errorf("got %v", err)
	}
	if _, err := read(t, "{name: n, holiday: {sunday: x}}"); err != nil {
		t.Error(err)
	}
}

func TestAWrongDeclarationPanics(t *testing.T) {
	for name, declare := range map[string]func(){
		"a format that is none": func() {
			Declare[struct {
				A string `yaml:"a" format:"none"`
			}](nil)
		},
		"a default out of range": func() {
			Declare[struct {
				A int `yaml:"a" range:"1..2" default:"3"`
			}](nil)
		},
		"a type that needs a format": func() {
			Declare[struct {
				A complex64 `yaml:"a"`
			}](nil)
		},
		"a bound that is no number": func() {
			Declare[struct {
				A []string `yaml:"a" items:"..x"`
			}](nil)
		},
		"a number without a range": func() {
			Declare[struct {
				A int `yaml:"a"`
			}](nil)
		},
		"a field that the other struct lacks": func() {
			DeclareOther[struct{ B string }, struct {
				A string `yaml:"a"`
			}](nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it is taken")
				}
			}()
			declare()
		})
	}
}

// TestEveryTagHasAMeaning sees that no tag of the configuration's declaration is misspelt, and so says nothing.
func TestEveryTagHasAMeaning(t *testing.T) {
	text, err := os.ReadFile("settings.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^//\t([a-z]+):"`).FindAllSubmatch(text, -1) {
		known[string(match[1])] = true
	}
	files, err := filepath.Glob("../../config/*.go")
	clients, err2 := filepath.Glob("../httpclient/*.go")
	if err != nil || err2 != nil || len(files) == 0 || len(clients) == 0 || len(known) < 10 {
		t.Fatalf("%v %v: %d and %d files, %d tags", err, err2, len(files), len(clients), len(known))
	}
	for _, file := range append(files, clients...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, tags := range regexp.MustCompile("`(yaml:\"[^`]*)`").FindAllSubmatch(text, -1) {
			for _, match := range regexp.MustCompile(`([^ "]+):"[^"]*"`).FindAllSubmatch(tags[1], -1) {
				if !known[string(match[1])] {
					t.Errorf("%s: nothing is said of the tag %s", file, match[1])
				}
			}
		}
	}
}

// Values in JSON: an id, an object that tells one, an answer of createTask.

package push

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// object is what an object may tell of a task; other keys are ignored, and counted. In answers of createTask the id is under data.
type object struct {
	ID      json.RawMessage `json:"taskId"`
	OtherID json.RawMessage `json:"task_id"`
	Model   json.RawMessage `json:"model"`
	Variant json.RawMessage `json:"variant"`
	At      json.RawMessage `json:"endpoint"`
	Labels  json.RawMessage `json:"labels"`
	Code    json.RawMessage `json:"code"`
	Msg     json.RawMessage `json:"msg"`     // passed over
	Message json.RawMessage `json:"message"` // likewise
	Data    json.RawMessage `json:"data"`
}

// inner is what it may tell under data.
type inner struct {
	ID      json.RawMessage `json:"taskId"`
	OtherID json.RawMessage `json:"task_id"`
	Model   json.RawMessage `json:"model"`
}

const wanted = "want an id, or an object with taskId or task_id"

// readJSON reads a value, or a list of values.
func (b *body) readJSON(l *limited) error {
	from := newPeeker(l)
	d := json.NewDecoder(from)
	switch first, err := from.first(); {
	case errors.Is(err, io.EOF):
		return errEmpty
	case err != nil:
		return err
	case first != '[':
		return cmp.Or(b.value(d, l), end(d))
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		if err := b.value(d, l); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the end of the list
		return err
	}
	return end(d)
}

// readLines reads values, one after the other.
func (b *body) readLines(l *limited) error {
	d := json.NewDecoder(l)
	for {
		if err := b.value(d, l); errors.Is(err, io.EOF) {
			b.values-- // it was none
			return nil
		} else if err != nil {
			return err
		}
	}
}

// value reads the next value.
func (b *body) value(d *json.Decoder, l *limited) error {
	index, err := b.next(l)
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	if len(raw) > maxValue {
		return &tooLarge{"a value has more than 256 KiB"}
	}
	if !utf8.Valid(raw) {
		b.take(index, source.Task{}, "not UTF-8")
		return nil
	}
	if raw[0] != '{' {
		id, ok := textOf(raw)
		b.take(index, source.Task{ID: id}, unless(ok, wanted))
		return nil
	}
	return b.object(index, raw)
}

func (b *body) object(index int, raw json.RawMessage) error {
	var o object
	var in inner
	if !isKnown(raw, &o) {
		if o = (object{}); !isObject(raw, &o) {
			b.take(index, source.Task{}, wanted)
			return nil
		}
		b.ignoreUnknown(raw)
	}
	if !isNull(o.Model) && o.Model[0] != '"' {
		b.ignore("model")
	}
	if !isNull(o.Variant) && o.Variant[0] != '"' {
		b.ignore("variant")
	}
	isObject(o.Data, &in)
	for _, given := range []json.RawMessage{o.ID, o.OtherID, in.ID, in.OtherID} {
		if isNull(given) {
			continue
		}
		id, ok := textOf(given)
		at, known := endpointOf(o.At)
		labels, fault, err := b.labelsOf(o.Labels)
		if err != nil {
			return err
		}
		t := source.Task{ID: id, Model: kie.CleanLabel(source.Hint(modelOf(o.Model, in.Model), modelOf(o.Variant))), Endpoint: at, Labels: labels}
		b.take(index, t, cmp.Or(unless(ok, "taskId is no text"), unless(known, parsed.ErrEndpoint.Error()), fault))
		return nil
	}
	if code, ok := textOf(o.Code); ok && parsed.IsRefusal(code) {
		b.fault(index, source.RejectedNoTask, "an answer that created no task")
		return nil
	}
	b.take(index, source.Task{}, wanted)
	return nil
}

// isKnown reads an object all of whose keys are read, as nearly all are; false: it is another one, or none.
func isKnown(raw json.RawMessage, into *object) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into) == nil
}

// isObject reads an object; false: it is none.
func isObject(raw json.RawMessage, into any) bool {
	return len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, into) == nil
}

func unless(ok bool, fault string) string {
	if ok {
		return ""
	}
	return fault
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || raw[0] == 'n' }

// textOf returns a text, or a number as it is written; false: the value is neither.
func textOf(raw json.RawMessage) (string, bool) {
	switch {
	case len(raw) == 0:
		return "", false
	case raw[0] == '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	}
	number := string(raw)
	return number, parsed.IsNumber(number)
}

// endpointOf returns the word for an endpoint, empty where none is named; false: no endpoint is called so.
func endpointOf(raw json.RawMessage) (word string, ok bool) {
	if isNull(raw) {
		return "", true
	}
	word, ok = textOf(raw)
	if e, known := kie.EndpointNamed(word); known {
		return e.Word(), ok // which is in memory once
	}
	return "", ok && word == ""
}

// modelOf returns the first of some values that is a text, as a label: a model, or a variant.
func modelOf(values ...json.RawMessage) string {
	for _, raw := range values {
		if len(raw) > 0 && raw[0] == '"' {
			var model string
			if json.Unmarshal(raw, &model) == nil && model != "" {
				return kie.CleanLabel(model)
			}
		}
	}
	return ""
}

// labelsOf returns labels, or what is wrong with them. The error is that there are too many different ones.
func (b *body) labelsOf(raw json.RawMessage) (labels map[string]string, fault string, err error) {
	if isNull(raw) {
		return nil, "", nil
	}
	if labels, known := b.labels[string(raw)]; known { // which makes no copy of the key
		return labels, "", nil
	}
	var given map[string]json.RawMessage
	if !isObject(raw, &given) {
		return nil, parsed.ErrNoLabels.Error(), nil
	}
	if len(given) == 0 {
		return nil, "", nil
	}
	if len(b.labels) == maxLabels {
		return nil, "", &tooLarge{"more than 10000 different sets of labels in a push"}
	}
	labels = make(map[string]string, min(len(given), 64))
	for name, value := range given {
		text, ok := textOf(value)
		if !ok && (string(value) == "true" || string(value) == "false") {
			text, ok = string(value), true
		}
		if !ok {
			return nil, parsed.ErrNoLabels.Error(), nil
		}
		if wrong := parsed.AddLabel(labels, name, text); wrong != nil {
			return nil, wrong.Error(), nil //nolint:nilerr // it is the label's fault, and others may be right
		}
	}
	if b.labels == nil {
		b.labels = make(map[string]map[string]string)
	}
	b.labels[string(raw)] = labels
	return labels, "", nil
}

// cleanID returns an id without what comes from copying around it, or why it is none.
func cleanID(id string) (clean, why string) {
	if parsed.IsPlain(id) {
		return id, ""
	}
	clean = strings.TrimFunc(id, parsed.IsInvisible)
	switch {
	case strings.ContainsFunc(clean, parsed.IsInvisible):
		return "", "an invisible character inside a task id"
	case !kie.ValidID(clean):
		return "", parsed.ErrNoID.Error()
	}
	return clean, ""
}

// rejections returns what is rejected, in order.
func (b *body) rejections() []rejected {
	slices.SortStableFunc(b.faults, func(a, b rejected) int { return cmp.Compare(a.Index, b.Index) })
	return append([]rejected{}, b.faults...)
}

// end fails if anything follows.
func end(d *json.Decoder) error {
	if _, err := d.Token(); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	return errors.New("something follows the JSON")
}

// peeker reads from a reader of which it has seen the first byte that is no space.
type peeker struct {
	head []byte
	from io.Reader
}

func newPeeker(from io.Reader) *peeker { return &peeker{from: from} }

func (p *peeker) first() (byte, error) {
	var piece [512]byte
	for {
		n, err := p.from.Read(piece[:])
		p.head = bytes.TrimLeft(append(p.head, piece[:n]...), " \t\r\n")
		p.head = bytes.TrimPrefix(p.head, []byte(parsed.Mark))
		switch {
		case len(p.head) > 0:
			return p.head[0], nil
		case err != nil:
			return 0, err
		}
	}
}

// Read implements io.Reader.
func (p *peeker) Read(into []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(into, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.from.Read(into)
}

// How values are written where one replica tells another: by their names, as replicas may be of several versions.

package kie

import "fmt"

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. What no version until this one has is StateUnknown.
func (s *State) UnmarshalText(text []byte) error {
	*s = named(States(), text, StateUnknown)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. What no version until this one has is ReasonNone.
func (r *Reason) UnmarshalText(text []byte) error {
	*r = named(Reasons(), text, ReasonNone)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. What no version until this one has is ClassOther.
func (c *Class) UnmarshalText(text []byte) error {
	*c = named(Classes(), text, ClassOther)
	return nil
}

// MarshalText implements encoding.TextMarshaler, with the word that users have for the endpoint.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.Word()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. What no version until this one has is Jobs.
func (e *Endpoint) UnmarshalText(text []byte) error {
	*e, _ = EndpointNamed(string(text))
	return nil
}

// named returns the value of that name; otherwise if there is none.
func named[T fmt.Stringer](all []T, name []byte, otherwise T) T {
	for _, v := range all {
		if v.String() == string(name) {
			return v
		}
	}
	return otherwise
}

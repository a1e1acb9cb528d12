// The schema of values: people write what each may be, and what the configuration may be is taken from the exporter's own schema.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

type object = map[string]any

// writeSchema puts the schema of the configuration and the comments of all values into the schema of values. Both know the same values.
func writeSchema(path, config string, values []value) error {
	var schema, of object
	for file, into := range map[string]*object{path: &schema, config: &of} {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			return err
		}
	}
	for _, key := range []string{"$schema", "$comment", "title"} {
		delete(of, key)
	}
	properties, ok := schema["properties"].(object)
	if !ok {
		return errors.New("it has no properties")
	}
	if holdsSecret(of) {
		return errors.New("the configuration as a whole would be a secret")
	}
	properties["config"] = of
	described := map[string]bool{}
	for _, v := range values {
		at, err := find(schema, v.path)
		if err != nil {
			return err
		}
		at["description"] = v.meaning
		described[strings.Join(v.path, ".")] = true
	}
	for key := range properties {
		if err := known(properties[key], key, described); err != nil && key != "global" {
			return err
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		return err
	}
	return write(path, text.Bytes())
}

// holdsSecret reports whether a value of a schema is a secret, or a list or mapping of some, and takes such properties of an object out of
// its schema: a configuration is in a ConfigMap, where everybody reads it. Each of them can be given as a file instead.
func holdsSecret(schema any) bool {
	of, _ := schema.(object)
	properties, _ := of["properties"].(object)
	for key, property := range properties {
		if holdsSecret(property) {
			delete(properties, key)
		}
	}
	if items, ok := of["items"]; ok && holdsSecret(items) {
		return true
	}
	if values, ok := of["additionalProperties"].(object); ok && holdsSecret(values) {
		return true
	}
	return of["writeOnly"] == true
}

// find returns the schema of the value at a path.
func find(schema object, path []string) (object, error) {
	for i, key := range path {
		properties, _ := schema["properties"].(object)
		next, ok := properties[key].(object)
		if !ok {
			return nil, fmt.Errorf("it lacks %s, which is in values.yaml", strings.Join(path[:i+1], "."))
		}
		schema = next
	}
	return schema, nil
}

// known returns an error unless a value of the schema, or all below it, are in values.yaml.
func known(schema any, path string, described map[string]bool) error {
	if described[path] {
		return nil
	}
	at, _ := schema.(object)
	properties, _ := at["properties"].(object)
	if len(properties) == 0 {
		return fmt.Errorf("it has %s, which is not in values.yaml", path)
	}
	for key, below := range properties {
		if err := known(below, path+"."+key, described); err != nil {
			return err
		}
	}
	return nil
}

// A configuration as text, for people to look at.

package config

import (
	"bytes"

	"gopkg.in/yaml.v3"
)

// YAML returns the configuration, complete with defaults, as a file could hold it, but for secrets, which are left out or
// show as <secret>.
func (c *Config) YAML() ([]byte, error) {
	shown, err := Declaration().YAML(c)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(shown); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

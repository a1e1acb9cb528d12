// A configuration as text, for people to look at.

package config

import "github.com/kie-exporter/kie_exporter/internal/settings/document"

// YAML returns the configuration, complete with defaults, as a file could hold it, but for secrets, which are left out or
// show as <secret>.
func (c *Config) YAML() ([]byte, error) {
	shown, err := Declaration().YAML(c)
	if err != nil {
		return nil, err
	}
	return document.Encode(shown)
}

//go:build !unix

package redistest

// Stop and Continue do nothing: there are no such signals, and no test has a Redis to send them to.
func (s *Server) Stop() {}

// Continue does nothing, as Stop.
func (s *Server) Continue() {}

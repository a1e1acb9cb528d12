package tracker

// Check returns what does not hold of the tracker's tasks though it always is to.
func (t *Tracker) Check() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Check()
}

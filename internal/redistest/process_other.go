//go:build !linux

package redistest

import "syscall"

// endWithParent does nothing here: a killed test leaves its servers behind.
func endWithParent() *syscall.SysProcAttr { return nil }

//go:build !linux

package localredis

import "syscall"

// attributes give a child a process group of its own, so that an interrupt on the terminal reaches pullchat alone, which
// stops the child after its own requests. A killed pullchat leaves the child behind here; the next one ends it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

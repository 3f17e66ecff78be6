package redistest

import "syscall"

// endWithParent makes the kernel kill a process when the thread that started it ends. Even a test that panics or is
// killed leaves nothing behind.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

package localredis

import "syscall"

// attributes give a child a process group of its own, so that an interrupt on the terminal reaches pullchat alone, which
// stops the child after its own requests. The kernel stops the child when the thread that started it ends: a killed
// pullchat leaves nothing behind.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

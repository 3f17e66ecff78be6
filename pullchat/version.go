package main

import (
	"fmt"

	"github.com/pullchat/pullchat/internal/buildinfo"
)

type showVersion struct{}

// Run prints the line that --version prints.
func (showVersion) Run() error {
	_, err := fmt.Println("pullchat", buildinfo.Get())
	return err
}

package main

import "github.com/pullchat/pullchat/internal/buildinfo"

func main() { println(buildinfo.Get().String()) }

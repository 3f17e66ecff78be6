package chat

// CheckUser refuses invalid names of users, before anything is counted or looked up for them.
func CheckUser(name string) error { return checkName("user", name) }

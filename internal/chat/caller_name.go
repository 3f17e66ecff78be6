package chat

// CheckUser refuses what cannot be a user's name, before anything is counted or looked up for it.
func CheckUser(name string) error { return checkName("user", name) }

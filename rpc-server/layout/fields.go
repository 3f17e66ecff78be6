package layout

// The fields of an account's hash.
const (
	HashField    = "hash"
	NameField    = "name"
	CreatedField = "created"
	DeletedField = "deleted"
	KeptField    = "kept"
	HidesField   = "hides_last_seen"
)

// The fields of a room's hash, besides name and created.
const (
	VisibilityField = "visibility"
	AdminsField     = "admins"
	RetentionField  = "retention" // in microseconds, of a room that has or had its own
	RulesField      = "rules"     // see FormatRules
	PinsField       = "pins"      // see FormatPins
	// Of a deleted room.
	ReservedField = "reserved"
	HeirsField    = "heirs" // separated by spaces
)

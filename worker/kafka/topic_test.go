package kafka

import (
	"regexp"
	"strings"
	"testing"
)

// legal are the characters that Kafka allows.
var legal = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// TestTopics: each chat has its own topic, whatever is in its id, and Kafka allows its name.
func TestTopics(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("न", 21)
	chats := []string{
		"team", "Team", "team.a", "team_a", "team-a", "team_2ea", "_", "__", ".x", "x.", "alice:bob", "alice_bob", "alice@x", "alice+x",
		"जय", "ज", long + ":" + long, long + ":" + long[:60], long + "a:" + long, strings.Repeat("a", 64) + ":" + strings.Repeat("b", 64),
	}
	for _, template := range []string{"chat.{room}", "{room}", "{room}_" + strings.Repeat("x", 200)} {
		topics, err := parseTopics(template)
		if err != nil {
			t.Fatalf("parseTopics(%q): %v", template, err)
		}
		seen := map[string]string{}
		for _, chat := range chats {
			topic := topics.of(chat)
			if !legal.MatchString(topic) || topic == "." || topic == ".." || !topics.mayBe(topic) {
				t.Errorf("the topic of %s is %q", chat, topic)
			}
			metric := strings.ReplaceAll(topic, ".", "_") // brokers refuse topics whose metrics have one name
			if other, taken := seen[metric]; taken {
				t.Errorf("%s and %s have the topic %s", chat, other, topic)
			}
			seen[metric] = chat
		}
	}
	topics, _ := parseTopics("chat.{room}")
	for chat, want := range map[string]string{"team-1": "chat.team-1", "alice:bob": "chat.alice_3abob", "a.b_c": "chat.a_2eb_5fc", "é": "chat._c3_a9"} {
		if got := topics.of(chat); got != want {
			t.Errorf("the topic of %s is %s, want %s", chat, got, want)
		}
	}
}

// TestValidate: invalid settings are refused at the start.
func TestValidate(t *testing.T) {
	t.Parallel()
	good := Config{KafkaBrokers: []string{"b:9092"}, KafkaTopic: "chat", KafkaMaxBytes: 1 << 20, KafkaTLS: off, KafkaSASLMechanism: off, KafkaInGroup: "g"}
	for name, c := range map[string]struct {
		change func(*Config)
		fault  string // "" is none
	}{
		"out":                    {func(*Config) {}, ""},
		"nothing":                {func(c *Config) { *c = Config{} }, ""},
		"in":                     {func(c *Config) { c.KafkaTopic, c.KafkaInTopic = "", "in" }, ""},
		"both":                   {func(c *Config) { c.KafkaInTopic = "in" }, ""},
		"a template":             {func(c *Config) { c.KafkaTopic, c.KafkaInTopic = "chat.{room}", "in" }, ""},
		"no brokers":             {func(c *Config) { c.KafkaBrokers = nil }, "need --kafka-brokers"},
		"no topic":               {func(c *Config) { c.KafkaTopic = "" }, "needs --kafka-topic"},
		"a space":                {func(c *Config) { c.KafkaTopic = "my chats" }, "--kafka-topic: a topic has"},
		"another placeholder":    {func(c *Config) { c.KafkaTopic = "chat.{user}" }, "--kafka-topic: a topic has"},
		"two placeholders":       {func(c *Config) { c.KafkaTopic = "{room}{room}" }, "beside one {room}"},
		"a long template":        {func(c *Config) { c.KafkaTopic = strings.Repeat("x", 220) + "{room}" }, "leaves no space"},
		"a circle":               {func(c *Config) { c.KafkaInTopic = "chat" }, "they must differ"},
		"a circle by a template": {func(c *Config) { c.KafkaTopic, c.KafkaInTopic = "chat.{room}", "chat.in" }, "they must differ"},
		"a circle by the dead":   {func(c *Config) { c.KafkaInTopic, c.KafkaDeadTopic = "in", "chat" }, "--kafka-dead-topic is chat"},
		"dead letters again":     {func(c *Config) { c.KafkaInTopic, c.KafkaDeadTopic = "in", "in" }, "are the same"},
		"no group":               {func(c *Config) { c.KafkaInTopic, c.KafkaInGroup = "in", "" }, "--kafka-in-group is empty"},
		"a key alone":            {func(c *Config) { c.KafkaTLS, c.KafkaKey = "on", "k" }, "need each other"},
		"a CA without TLS":       {func(c *Config) { c.KafkaCA = "ca" }, "need --kafka-tls=on"},
		"no password":            {func(c *Config) { c.KafkaSASLMechanism, c.KafkaSASLUser = "plain", "u" }, "need each other"},
		"a password alone":       {func(c *Config) { c.KafkaSASLUser, c.KafkaSASLPassword = "u", "p" }, "need each other"},
		"small batches":          {func(c *Config) { c.KafkaMaxBytes = 10 }, "--kafka-max-bytes is 10"},
	} {
		config := good
		c.change(&config)
		err := config.Validate()
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: Validate() = %v, want %q", name, err, c.fault)
		}
	}
}

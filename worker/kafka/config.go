package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Config says which topics messages go to and come from. Without brokers, Kafka is not used.
type Config struct {
	KafkaBrokers []string `name:"kafka-brokers" env:"KAFKA_BROKERS" placeholder:"HOST:PORT" help:"Some brokers of the Kafka cluster. Empty: Kafka is not used."`

	KafkaTopic    string `name:"kafka-topic" env:"KAFKA_TOPIC" placeholder:"NAME" help:"The topic to which all messages are written. {room} stands for the chat: chat.{room} is one topic per chat. Empty: none."`
	KafkaEvents   string `name:"kafka-events" env:"KAFKA_EVENTS" default:"messages" enum:"messages,bursts" placeholder:"messages|bursts" help:"Whether a record is a message or a burst: ${enum}. A notice is always a record of its own."`
	KafkaChats    string `name:"kafka-chats" env:"KAFKA_CHATS" default:"all" enum:"all,rooms" placeholder:"all|rooms" help:"The chats whose messages are written to the topic: ${enum}."`
	KafkaStart    string `name:"kafka-start" env:"KAFKA_START" default:"oldest" enum:"oldest,now" placeholder:"oldest|now" help:"Where the first worker starts: ${enum}. Later workers continue where the last one stopped."`
	KafkaMaxBytes int32  `name:"kafka-max-bytes" env:"KAFKA_MAX_BYTES" default:"1000012" placeholder:"N" help:"Largest batch of records, in bytes; at most the brokers' message.max.bytes."`

	KafkaInTopic   string `name:"kafka-in-topic" env:"KAFKA_IN_TOPIC" placeholder:"NAME" help:"The topic whose records are sent as messages. Everything that may write to it can send as any user. Empty: none."`
	KafkaInGroup   string `name:"kafka-in-group" env:"KAFKA_IN_GROUP" default:"pullchat" placeholder:"NAME" help:"The consumer group that reads kafka-in-topic."`
	KafkaDeadTopic string `name:"kafka-dead-topic" env:"KAFKA_DEAD_TOPIC" placeholder:"NAME" help:"The topic for refused records. Empty: the name of kafka-in-topic with the suffix .dead."`

	KafkaTLS  string `name:"kafka-tls" env:"KAFKA_TLS" default:"off" enum:"off,on" placeholder:"off|on" help:"Whether connections to brokers use TLS: ${enum}."`
	KafkaCA   string `name:"kafka-ca" env:"KAFKA_CA" type:"path" placeholder:"FILE" help:"Certificates (PEM) of the authorities that sign the brokers' certificates. Default: the system's."`
	KafkaCert string `name:"kafka-cert" env:"KAFKA_CERT" type:"path" placeholder:"FILE" help:"The worker's own certificate (PEM), for brokers that require one."`
	KafkaKey  string `name:"kafka-key" env:"KAFKA_KEY" type:"path" placeholder:"FILE" help:"The key (PEM) of kafka-cert."`

	KafkaSASLMechanism string `name:"kafka-sasl-mechanism" env:"KAFKA_SASL_MECHANISM" default:"off" enum:"off,plain,scram-sha-256,scram-sha-512" placeholder:"MECHANISM" help:"How the worker logs in at the brokers: ${enum}. plain shows the password to the network unless kafka-tls is on."`
	KafkaSASLUser      string `name:"kafka-sasl-user" env:"KAFKA_SASL_USER" placeholder:"NAME" help:"The user of that login."`
	KafkaSASLPassword  string `name:"kafka-sasl-password" env:"KAFKA_SASL_PASSWORD" secret:"" placeholder:"PASSWORD" help:"The password of that login."`
}

// off is the value of settings that are not used.
const off = "off"

// Validate names every value that cannot work. Kong calls it.
func (c Config) Validate() error {
	if len(c.KafkaBrokers) == 0 {
		if c.KafkaTopic != "" || c.KafkaInTopic != "" {
			return errors.New("--kafka-topic and --kafka-in-topic need --kafka-brokers (KAFKA_BROKERS)")
		}
		return nil
	}
	var errs []error
	if c.KafkaTopic == "" && c.KafkaInTopic == "" {
		errs = append(errs, errors.New("--kafka-brokers needs --kafka-topic (KAFKA_TOPIC) or --kafka-in-topic (KAFKA_IN_TOPIC)"))
	}
	if c.KafkaMaxBytes < 1000 || c.KafkaMaxBytes > 64<<20 {
		errs = append(errs, fmt.Errorf("--kafka-max-bytes is %d; it must be from 1000 to 67108864", c.KafkaMaxBytes))
	}
	if (c.KafkaCert == "") != (c.KafkaKey == "") {
		errs = append(errs, errors.New("--kafka-cert and --kafka-key need each other; one is missing"))
	}
	if c.KafkaTLS == off && (c.KafkaCA != "" || c.KafkaCert != "") {
		errs = append(errs, errors.New("--kafka-ca and --kafka-cert need --kafka-tls=on"))
	}
	if login := c.KafkaSASLUser != "" && c.KafkaSASLPassword != ""; (c.KafkaSASLMechanism != off) != login {
		errs = append(errs, errors.New("--kafka-sasl-mechanism, --kafka-sasl-user and --kafka-sasl-password need each other"))
	}
	return errors.Join(append(errs, c.checkTopics()...)...)
}

// checkTopics returns the faults of the topics' names. It refuses a topic that is written and read, because its messages would
// go in circles.
func (c Config) checkTopics() (errs []error) {
	topics, err := parseTopics(c.KafkaTopic)
	if err != nil {
		errs = append(errs, fmt.Errorf("--kafka-topic: %w", err))
	}
	if c.KafkaInTopic == "" {
		return errs
	}
	for flag, name := range map[string]string{"kafka-in-topic": c.KafkaInTopic, "kafka-dead-topic": c.deadTopic()} {
		if err := checkTopic(name); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
		if topics.mayBe(name) {
			errs = append(errs, fmt.Errorf("--%s is %s, to which --kafka-topic writes messages; they must differ", flag, name))
		}
	}
	if c.KafkaInTopic == c.deadTopic() {
		errs = append(errs, errors.New("--kafka-in-topic and --kafka-dead-topic are the same; they must differ"))
	}
	if c.KafkaInGroup == "" {
		errs = append(errs, errors.New("--kafka-in-group is empty; --kafka-in-topic needs it"))
	}
	return errs
}

func (c Config) deadTopic() string {
	if c.KafkaDeadTopic != "" {
		return c.KafkaDeadTopic
	}
	return c.KafkaInTopic + ".dead"
}

// client returns the options that all clients have.
func (c Config) client() ([]kgo.Opt, error) {
	options := []kgo.Opt{
		kgo.SeedBrokers(c.KafkaBrokers...), kgo.ClientID("pullchat"), kgo.AllowAutoTopicCreation(),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchMaxBytes(c.KafkaMaxBytes), kgo.MaxBufferedBytes(maxBufferedBytes),
		kgo.ProducerLinger(linger), kgo.RetryBackoffFn(pause), kgo.MetadataMinAge(metadataMinAge), kgo.DialTimeout(dialTimeout),
		kgo.ConnIdleTimeout(connIdleTimeout), kgo.DisableClientMetrics(),
	}
	if c.KafkaTLS != off {
		config, err := c.tls()
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	switch c.KafkaSASLMechanism {
	case "plain":
		options = append(options, kgo.SASL(plain.Auth{User: c.KafkaSASLUser, Pass: c.KafkaSASLPassword}.AsMechanism()))
	case "scram-sha-256":
		options = append(options, kgo.SASL(scram.Auth{User: c.KafkaSASLUser, Pass: c.KafkaSASLPassword}.AsSha256Mechanism()))
	case "scram-sha-512":
		options = append(options, kgo.SASL(scram.Auth{User: c.KafkaSASLUser, Pass: c.KafkaSASLPassword}.AsSha512Mechanism()))
	}
	return options, nil
}

func (c Config) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.KafkaCA != "" {
		pem, err := os.ReadFile(c.KafkaCA)
		if err != nil {
			return nil, fmt.Errorf("certificates of authorities for Kafka: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates of authorities for Kafka: %s holds none in PEM", c.KafkaCA)
		}
	}
	if c.KafkaCert != "" {
		certificate, err := tls.LoadX509KeyPair(c.KafkaCert, c.KafkaKey)
		if err != nil {
			return nil, fmt.Errorf("client certificate for Kafka: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

package wire

// SecretKey names the header with which a gateway sends the secret of its rpc-servers: a persistent value of Kitex' metainfo,
// which becomes a header of TTHeader.
const SecretKey = "PULLCHAT_SECRET"

// SecretRefused is the type of the exception for callers without the secret. The types of Thrift and Kitex are small.
const SecretRefused = 40300

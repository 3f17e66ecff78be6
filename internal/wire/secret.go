package wire

// SecretKey is under what a gateway gives the secret of its rpc-servers: a persistent value of Kitex' metainfo, which is
// a header of TTHeader.
const SecretKey = "PULLCHAT_SECRET"

// SecretRefused is the type of the exception that answers those who do not know it. Those of Thrift and Kitex are small.
const SecretRefused = 40300

# One build, six images: --target http-server, tcp-server, rpc-server, worker, integration, and pullchat, which is the default.
FROM golang:1.26-bookworm AS build
WORKDIR /src
# Static, because the images below have no C library.
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
# Modules, and the largest of them compiled, have their own layers: a change of our code does not rebuild them. Any list
# of packages is correct here; it only saves time.
COPY go.mod go.sum ./
RUN go mod download
RUN go build github.com/cloudwego/hertz/pkg/app/server github.com/cloudwego/kitex/client \
    github.com/cloudwego/kitex/server github.com/redis/go-redis/v9 github.com/alicebob/miniredis/v2
COPY . .
# What the programs say they are: docker build --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD). The context has no Git.
ARG VERSION= COMMIT= DATE=
RUN stamp=github.com/pullchat/pullchat/internal/buildinfo && \
    go build -ldflags="-s -w -X $stamp.release=$VERSION -X $stamp.commit=$COMMIT -X $stamp.date=$DATE" -o /out/ ./http-server ./tcp-server ./rpc-server ./worker ./pullchat

# The source and a warm build cache. The image runs go test against running servers (docker-compose.test.yml).
FROM build AS integration
CMD ["go", "test", "-count=1", "./test/integration/..."]

FROM gcr.io/distroless/static-debian12:nonroot AS rpc-server
ARG VERSION= COMMIT= DATE=
LABEL org.opencontainers.image.title="pullchat rpc-server" org.opencontainers.image.description="Pullchat: the RPC server, which owns the data in Redis" \
      org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.source=https://github.com/pullchat/pullchat \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$COMMIT org.opencontainers.image.created=$DATE
COPY --from=build /out/rpc-server /rpc-server
EXPOSE 8888
ENTRYPOINT ["/rpc-server"]

FROM gcr.io/distroless/static-debian12:nonroot AS http-server
ARG VERSION= COMMIT= DATE=
LABEL org.opencontainers.image.title="pullchat http-server" org.opencontainers.image.description="Pullchat: the HTTP gateway in front of rpc-servers" \
      org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.source=https://github.com/pullchat/pullchat \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$COMMIT org.opencontainers.image.created=$DATE
# pullchat is for the health check (pullchat ready): the image has neither a shell nor curl.
COPY --from=build /out/pullchat /out/http-server /
# What is published of it is said where the container is run.
ENV HTTP_ADDR=:8080
EXPOSE 8080
ENTRYPOINT ["/http-server"]

FROM gcr.io/distroless/static-debian12:nonroot AS tcp-server
ARG VERSION= COMMIT= DATE=
LABEL org.opencontainers.image.title="pullchat tcp-server" org.opencontainers.image.description="Pullchat: rooms over telnet and devices over TCP, in front of rpc-servers" \
      org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.source=https://github.com/pullchat/pullchat \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$COMMIT org.opencontainers.image.created=$DATE
COPY --from=build /out/tcp-server /tcp-server
# What is published of it is said where the container is run.
ENV TELNET_ADDR=:5000 DEVICE_ADDR=:5001
EXPOSE 5000 5001
ENTRYPOINT ["/tcp-server"]

FROM gcr.io/distroless/static-debian12:nonroot AS worker
ARG VERSION= COMMIT= DATE=
LABEL org.opencontainers.image.title="pullchat worker" org.opencontainers.image.description="Pullchat: projections, consumers of all chats, in front of rpc-servers" \
      org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.source=https://github.com/pullchat/pullchat \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$COMMIT org.opencontainers.image.created=$DATE
# pullchat is for the health check (pullchat ready --server http://127.0.0.1:9090), which asks the listener of metrics.
COPY --from=build /out/pullchat /out/worker /
ENV METRICS_ADDR=:9090
EXPOSE 9090
ENTRYPOINT ["/worker"]

# All in one process: docker run -p 8080:8080 IMAGE starts a Pullchat to try.
FROM gcr.io/distroless/static-debian12:nonroot AS pullchat
ARG VERSION= COMMIT= DATE=
LABEL org.opencontainers.image.title="pullchat serve" org.opencontainers.image.description="Pullchat: everything in one process, and the command line" \
      org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.source=https://github.com/pullchat/pullchat \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$COMMIT org.opencontainers.image.created=$DATE
COPY --from=build /out/pullchat /pullchat
ENV HTTP_ADDR=:8080
EXPOSE 8080
ENTRYPOINT ["/pullchat"]
CMD ["serve"]

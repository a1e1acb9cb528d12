# check=experimental=all

# GO_IMAGE compiles the program: any image with this Go toolchain and CA certificates
ARG GO_IMAGE=docker.io/library/golang:1.26.8-bookworm

# build cross-compiles on the builder's own platform
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_USER=unknown
ARG BUILD_DATE=unknown
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -ldflags "-s -w \
    -X github.com/prometheus/common/version.Version=${VERSION} \
    -X github.com/prometheus/common/version.Revision=${REVISION} \
    -X github.com/prometheus/common/version.Branch=${BRANCH} \
    -X github.com/prometheus/common/version.BuildUser=${BUILD_USER} \
    -X github.com/prometheus/common/version.BuildDate=${BUILD_DATE}" \
    -o /image/bin/kie_exporter . \
    && mkdir -p /image/etc/ssl/certs /image/licenses \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >/image/etc/passwd \
    && cp LICENSE /image/licenses/ \
    && mkdir -p /homes/nonroot

# What the program needs and nothing else, so that no other image's version matters. Nothing in it is written at run time: it
# works with a read-only root.
FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kie_exporter" \
    org.opencontainers.image.description="Prometheus exporter for the state and latency of kie.ai tasks" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.source="https://github.com/kie-exporter/kie_exporter" \
    org.opencontainers.image.documentation="https://github.com/kie-exporter/kie_exporter#readme" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image /
# A volume mounted there belongs to the user, too.
COPY --from=build --chown=65532:65532 /homes /home
# A kie_exporter.yml mounted here is found without a flag.
WORKDIR /etc/kie_exporter
USER 65532:65532
EXPOSE 10059
ENTRYPOINT ["/bin/kie_exporter"]

# check=experimental=all

# GO_IMAGE compiles the program: any image with this Go toolchain
ARG GO_IMAGE=docker.io/library/golang:1.26.8-bookworm
# BASE_IMAGE carries it: CA certificates, time zones and a user, no shell
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

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
    -o /out/kie_exporter .

# Nothing in the image is written at run time: it works with a read-only root.
FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kie_exporter" \
    org.opencontainers.image.description="Prometheus exporter for the state and latency of kie.ai tasks" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.source="https://github.com/kie-exporter/kie_exporter" \
    org.opencontainers.image.documentation="https://github.com/kie-exporter/kie_exporter#readme" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY LICENSE /licenses/LICENSE
COPY --from=build /out/kie_exporter /bin/kie_exporter
# A kie_exporter.yml mounted here is found without a flag.
WORKDIR /etc/kie_exporter
USER 65532:65532
EXPOSE 10059
ENTRYPOINT ["/bin/kie_exporter"]

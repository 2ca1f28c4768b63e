# The agent in an image without a shell. It runs as an unprivileged user, on a read-only root file system.
#
#   docker build -t koukan .
#   docker run --read-only --cap-drop ALL -v ./koukan.yaml:/etc/koukan/koukan.yaml:ro -v queue:/var/lib/koukan koukan
#
# It writes only the queue, in /var/lib/koukan, and message bodies that do not fit into memory (storage.spill).

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/* \
    && cargo build --locked --release -p koukan \
    && mkdir -p /out/var/lib/koukan \
    && cp target/release/koukan target/release/koukan-gateway target/release/koukan-router /out/

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/koukan /out/koukan-gateway /out/koukan-router /usr/local/bin/
# A new named volume takes its content and owner from this directory.
COPY --from=build --chown=65532:65532 /out/var/lib/koukan /var/lib/koukan
USER 65532:65532
VOLUME /var/lib/koukan
# SIGTERM drains the agent: leases on queued mail are given back at once, and clients that wait get a little time.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/koukan"]
CMD ["run", "--config", "/etc/koukan/koukan.yaml"]

# syntax=docker/dockerfile:1
# `docker build .` makes the image with git, which tells each run the commit it was sent from;
# `docker build --target small .` makes one without git and shell, where a run has no commit.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src ./src
# What `init` writes is in the program.
COPY docs ./docs
# Cargo reads where the tests are, and needs none of them here.
COPY tests/main.rs ./tests/main.rs
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --profile dist --locked --bin campanile \
    && cp target/dist/campanile /campanile \
    && mkdir -p /state

FROM gcr.io/distroless/cc-debian12:nonroot AS small
COPY --from=build /campanile /usr/local/bin/campanile
COPY --from=build --chown=65532:65532 /state /var/lib/campanile
# The repository is mounted there; the journal is kept in the volume, whatever its settings say.
WORKDIR /srv/campaigns
ENV CAMPANILE_JOURNAL=sqlite:/var/lib/campanile/campanile.db \
    CAMPANILE_SERVE__LISTEN=0.0.0.0:8787
VOLUME /var/lib/campanile
EXPOSE 8787
USER 65532:65532
STOPSIGNAL SIGTERM
# No HEALTHCHECK: nothing in here could ask. Whoever runs it asks /livez and /readyz on port 8787.
ENTRYPOINT ["/usr/local/bin/campanile"]
CMD ["serve", "--log", "json"]

FROM debian:bookworm-slim AS campanile
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    # The mounted repository belongs to somebody else, which git else takes for a trap.
    && git config --system --add safe.directory /srv/campaigns
COPY --from=build /campanile /usr/local/bin/campanile
COPY --from=build --chown=65532:65532 /state /var/lib/campanile
WORKDIR /srv/campaigns
ENV CAMPANILE_JOURNAL=sqlite:/var/lib/campanile/campanile.db \
    CAMPANILE_SERVE__LISTEN=0.0.0.0:8787
VOLUME /var/lib/campanile
EXPOSE 8787
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/campanile"]
CMD ["serve", "--log", "json"]

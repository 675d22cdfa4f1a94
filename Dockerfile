# emp-ops in an image without a shell or a package manager, and without root.
#
#   docker build -t emp-ops .
#   docker run --rm --stop-timeout 120 -v "$PWD:/work" --user "$(id -u):$(id -g)" emp-ops audit runs/r1
#
# To rehearse a system, copy the binary into the image of that system (glibc 2.36 or newer) and make it the entry point:
#
#   COPY --from=emp-ops /usr/local/bin/emp-ops /usr/local/bin/
#   STOPSIGNAL SIGTERM
#   ENTRYPOINT ["emp-ops", "final-dry-run", "--output-root", "/work/runs", "--", "/srv/app/bin/app"]

FROM rust:1.88-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package emp-ops

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/emp-ops /usr/local/bin/emp-ops
WORKDIR /work
# A stop is answered by stopping the supervised command politely, judging its evidence and sealing the packet. That takes
# up to --shutdown-grace (60s) and the time to judge, so give the container more than the 10 seconds that are usual:
# `docker run --stop-timeout 120`, `stop_grace_period: 2m`, or `terminationGracePeriodSeconds: 120`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/emp-ops"]
CMD ["--help"]

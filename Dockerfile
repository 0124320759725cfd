# Tidemark's server as an image: built as a Debian package, installed from that with the libraries it names, and nothing else.
#
#   docker build -t tidemark .
#   docker run -v tidemark:/var/lib/tidemark -p 127.0.0.1:5600:5600 tidemark
#   docker run --rm -v tidemark:/var/lib/tidemark tidemark generate-key --email ann@example.org
#
# What follows the image's name are words of 'tt serve'. docs/deploying.md tells more; docker-compose.yml adds PostgreSQL.
FROM debian:12-slim AS build
WORKDIR /src
COPY packaging/setup packaging/
RUN packaging/setup --build && apt-get install -yq --no-install-recommends dpkg-dev
COPY . .
RUN packaging/deb/build /out

FROM debian:12-slim
# A number of its own, so that volumes keep their owner from image to image and 'runAsNonRoot' can be checked.
RUN --mount=type=bind,from=build,source=/out,target=/out \
    apt-get update -q \
    && apt-get install -yq --no-install-recommends adduser \
    && adduser --system --group --quiet --uid 5600 --home /var/lib/tidemark tidemark \
    && chmod 0700 /var/lib/tidemark \
    && apt-get install -yq --no-install-recommends /out/tidemark_*.deb \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY --chmod=0755 packaging/docker/start packaging/docker/healthy /usr/libexec/tidemark/

# Everybody needs a key; TLS is the proxy's (or TT_SERVE_TLS_CERT and TT_SERVE_TLS_KEY). The store is SQLite in the volume, unless
# TT_STORE names a database.
ENV HOME=/var/lib/tidemark \
    XDG_CONFIG_HOME=/etc \
    XDG_DATA_HOME=/var/lib/tidemark \
    XDG_STATE_HOME=/var/lib/tidemark \
    TT_SERVE_LISTEN=0.0.0.0:5600 \
    TT_SERVE_REQUIRE_KEY=true \
    TT_SERVE_PLAIN=true
USER 5600:5600
WORKDIR /var/lib/tidemark
VOLUME /var/lib/tidemark
EXPOSE 5600
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/libexec/tidemark/healthy"]
ENTRYPOINT ["/usr/libexec/tidemark/start"]

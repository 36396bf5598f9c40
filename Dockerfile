# docker build -t larder . && docker run -p 8080:8080 larder serve --origin http://host.docker.internal:8000
FROM debian:12 AS build
WORKDIR /src
# The packages first, so that a change of the source does not fetch them again.
COPY scripts/lib/install.sh scripts/lib/install.sh
RUN bash -c '. scripts/lib/install.sh && install_missing "${BUILD_PACKAGES[@]}"'
COPY . .
RUN scripts/build release && strip -o /larder build/release/larder

FROM debian:12-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends ca-certificates libhiredis0.14 libyaml-cpp0.7 libspdlog1.10 libssl3 \
        libprometheus-cpp-core1.0 libzstd1 libbrotli1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home larder
COPY --from=build /larder /usr/local/bin/larder
COPY config/articles.yaml config/larder.yaml /etc/larder/
USER larder
EXPOSE 8080
STOPSIGNAL SIGTERM
# /readyz and the figures behind `larder stats` are on the container's own loopback; nothing else needs to be installed.
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s CMD ["larder", "stats"]
ENTRYPOINT ["larder"]
CMD ["--help"]

# docker build -t larder .
# docker run --read-only -p 8080:8080 --add-host host.docker.internal:host-gateway larder serve --origin http://host.docker.internal:8000
#
# host.docker.internal is the machine itself: the API has to listen on more than its loopback address.
FROM debian:12 AS build
WORKDIR /src
# The packages first, so that a change of the source does not fetch them again.
COPY scripts/lib/install.sh scripts/lib/install.sh
RUN bash -c '. scripts/lib/install.sh && install_missing "${BUILD_PACKAGES[@]}" "${IMAGE_PACKAGES[@]}"'
COPY . .
RUN scripts/build release && scripts/lib/image_root.sh build/release/larder /image

FROM scratch
COPY --from=build /image /
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
EXPOSE 8080 9180
STOPSIGNAL SIGTERM
# Asks /readyz, which needs no token. With another port for admin, give the container a health check of its own.
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s CMD ["/usr/bin/larder", "stats", "--ready"]
ENTRYPOINT ["/usr/bin/larder"]
CMD ["--help"]

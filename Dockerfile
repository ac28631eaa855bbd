# papertape in a container: everything it keeps is in the volume /data.
FROM python:3.11-slim

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .
# hatchling stands in the lock, so that building needs nothing else.
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home papertape && install --directory --owner papertape /data
USER papertape
ENV PAPERTAPE_HOME=/data
VOLUME /data
WORKDIR /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["papertape"]
CMD ["paper", "--venue", "binance-spot", "--strategy", "strategy.py:Sample"]

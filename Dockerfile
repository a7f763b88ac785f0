# Zhiyin in a container: docker build -t zhiyin . && docker run -p 7860:7860 -v zhiyin:/data zhiyin [serve | page | a command]
# What the steps do is in docker/, and docker/check.sh does the same without a container engine. More: docs/scaling.md.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY pyproject.toml constraints.txt README.md LICENSE app.py /app/
COPY chatbot /app/chatbot/
COPY prompts /app/prompts/
COPY retrieval /app/retrieval/
COPY docker /app/docker/
RUN TORCH_INDEX="${TORCH_INDEX}" sh /app/docker/install.sh /app /opt/zhiyin

FROM ${BASE}
ARG USER_ID=10001
COPY --from=build /app /app
COPY --from=build /opt/zhiyin /opt/zhiyin
RUN sh /app/docker/system.sh "${USER_ID}" /data /data/weights /share
ENV PATH=/opt/zhiyin/bin:/usr/local/bin:/usr/bin:/bin \
    ZHIYIN_HOME=/data \
    HOME=/data \
    LOGNAME=zhiyin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
USER ${USER_ID}:${USER_ID}
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["python", "/app/docker/health.py"]
ENTRYPOINT ["sh", "/app/docker/start.sh"]
CMD ["serve"]

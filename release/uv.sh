# Sourced. Of what is set for uv, only how the index is reached stays: no other index, versions or
# options get into the lock.
for name in $(env | sed -n 's/^\(UV_[A-Z_]*\)=.*/\1/p'); do
  case $name in UV_CACHE_DIR | UV_HTTP_* | UV_NATIVE_TLS | UV_SYSTEM_CERTS) ;; *) unset "$name" ;; esac
done
export UV_DEFAULT_INDEX=https://pypi.org/simple UV_NO_SYSTEM_CONFIG=1 XDG_CONFIG_HOME=/nonexistent \
  UV_PYTHON_DOWNLOADS=never

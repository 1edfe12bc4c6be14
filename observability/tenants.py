"""Tenants as a label of metrics: a bounded number of them by name, the rest together."""

from __future__ import annotations

# Every tenant is some sixty series of a gateway; what reads them slows down at some hundred thousand.
DEFAULT_MAX_TENANTS = 100
# Where there are no tenants, everything is this one's.
DEFAULT_TENANT = "default"
OTHERS = "_other"  # no tenant's name begins like that
NOBODY = "_nobody"  # of calls whose caller is not known, and of what the service does for itself


class TenantLabels:
    """Those that came first keep their names, until the process ends."""

    def __init__(self, max_tenants: int = DEFAULT_MAX_TENANTS) -> None:
        if max_tenants < 0:
            raise ValueError(f"max_tenants must not be negative, got {max_tenants}")
        self._max_tenants = max_tenants
        self._names = {DEFAULT_TENANT}

    def of(self, tenant_id: str) -> str:
        """An empty id is nobody's."""
        if not tenant_id:
            return NOBODY
        if tenant_id not in self._names:
            if len(self._names) > self._max_tenants:
                return OTHERS
            self._names.add(tenant_id)
        return tenant_id

"""The child fails in every way and at every stage: no fault in psm-entry keeps a container down."""

import pytest

from containers import SERVICE

STAGES = ["start", "inputs", "system", "bundles", "environment", "answer"]
KINDS = ["trap", "kill", "loop", "stop", "memory"]
# A memory limit, so that the kernel kills the process instead of the machine running out of memory.
MEMORY = ["--memory", "96m", "--memory-swap", "96m"]


@pytest.fixture(scope="module")
def settings_of():
    def settings(stage: str, kind: str, **more: str) -> dict[str, str]:
        return {"PSM_ENTRY_TEST_FAULT": f"{stage}:{kind}", "PSM_ENTRY_TIMEOUT": "2", **more}

    return settings


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", STAGES)
def test_the_service_starts_with_its_original_environment(container, faulty_binary, settings_of, stage, kind):
    settings = settings_of(stage, kind)
    original = container(None, settings=settings).service().environment
    box = container(faulty_binary, settings=settings, options=MEMORY)
    service = box.service()
    assert sorted(service.environment) == sorted(original)
    assert service.arguments == [SERVICE]
    assert (service.pid, service.children) == (1, 0)
    assert [line for line in box.said() if "original environment" in line], box.log()


@pytest.mark.parametrize("kind", KINDS)
def test_a_strict_start_ends_with_70(container, faulty_binary, settings_of, kind):
    box = container(faulty_binary, settings=settings_of("bundles", kind, PSM_ENTRY_STRICT="1"), options=MEMORY)
    assert box.exit_status() == 70, box.log()
    assert "service: ready" not in box.log()


def test_the_same_build_without_a_fault_prepares(container, faulty_binary):
    variables = container(faulty_binary).service().variables()
    assert variables["https_proxy"] == variables["HTTPS_PROXY"]

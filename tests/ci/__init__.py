"""The checks that must hold before a change lands: how their steps are run."""

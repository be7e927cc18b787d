@echo off
rem Runs all checks and tests; all that is not finding a Python is in bootstrap.py.
rem Delayed expansion is off so that a "!" in the path stays one.
setlocal EnableExtensions DisableDelayedExpansion
set "bootstrap=%~dp0bootstrap.py"

rem Microsoft Store's "python" prints an advertisement and runs nothing, so each is tried before it is trusted.
py -3 -c "import sys; sys.exit(sys.version_info < (3, 8))" >nul 2>&1 && goto with_py
python -c "import sys; sys.exit(sys.version_info < (3, 8))" >nul 2>&1 && goto with_python
echo Glass Cockpit needs Python 3.11 or newer, and no Python was found: https://www.python.org/downloads/
echo The "python" that opens the Microsoft Store is not one.
set "status=1"
goto failed

:with_py
py -3 "%bootstrap%" test %*
set "status=%errorlevel%"
goto done

:with_python
python "%bootstrap%" test %*
set "status=%errorlevel%"

:done
if "%status%"=="0" exit /b 0

:failed
if not defined CI pause
exit /b %status%
